-- Replies that did not arrive are listed whether we gave them up or a provider reported so.

DROP INDEX outbox_dead;
CREATE INDEX outbox_failed ON outbox (updated_ms, state) WHERE state = 'undelivered' OR state = 'dead';
