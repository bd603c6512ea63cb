-- The words of ended turns, for the search of people in their conversations. rowid = the turn. Texts are indexed when
-- somebody searches, so that accepting and ending a message costs no more than before.
CREATE VIRTUAL TABLE search USING fts5(question, answer, tokenize = "unicode61 remove_diacritics 2");
