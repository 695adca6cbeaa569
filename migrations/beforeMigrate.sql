-- Runs before the migrations. A migration that waits for a lock makes everybody behind it wait too: better
-- to give up after five seconds and be run again than to stop the shop.

SET lock_timeout = '5s';
