"""What people are told about signing in."""

from __future__ import annotations

from supervisor.protocol.text.template import line, sentence

SUBJECT = line("Sign in to xswarm")
# The link is the last word and has no full stop behind it: programs would take that for a part of the link.
LINK = line("Sign in to xswarm within {minutes} min, in the browser where you asked for it: {link}")
ON_ITS_WAY = sentence("If somebody has this address, a link is on its way to it. It counts for {minutes} min.")
LINK_DOES_NOT_COUNT = line("this link does not count")
ASK_FOR_ANOTHER = line("ask for another one; each counts once, and for a few minutes")
WRONG_BROWSER = line("open it in the browser where you asked for it, or ask for another one here")
PASSKEY_DOES_NOT_COUNT = line("this passkey does not count here")
PASSKEY_IS_KNOWN = line("this passkey is known already")
ADD_IT_ANEW = line("try again; if it fails again, sign in with a link and add a passkey anew")
ANOTHER_PERSON = line("this passkey belongs to another person")
CHECK_A_PASSKEY = line("use your passkey once more, then do it again within 5 minutes: POST /api/auth/check/options")
SIGN_IN_ANEW = line("sign out and in again, then do it within 5 minutes")
ADD_A_PASSKEY = line("sign in with a link of `xswarm user link`, and add a passkey there")
ADD_A_STRONG_PASSKEY = line(
    "your passkeys were added with a link by mail or text and prove no more: sign in with a link of `xswarm user link` "
    "and add a passkey there"
)
NO_PASSKEY = line("you have no passkey")
SERVICE_IS_DOWN = line('"{label}" does not work now: the service cannot be reached')
ANOTHER_WAY = line("try again later, or sign in with a passkey or a link")
SERVICE_REFUSED = line("the service has signed nobody in")
SERVICE_DOES_NOT_COUNT = line("this sign-in does not count")
START_AGAIN = line("start again on the sign-in page; each try counts once, for 10 minutes, in one browser")
ADDRESS_NOT_VERIFIED = line("the service has not verified your mail address")
NOBODY_HERE = line("nobody here is known by what the service says about you")
ASK_THE_OPERATOR = line("ask the operator; `xswarm user add` adds people and their mail addresses")
