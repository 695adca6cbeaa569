-- "My orders, newest first." Built while the shop is open: a plain CREATE INDEX would stop every checkout
-- until it is done. CONCURRENTLY cannot run inside a transaction, which is what the file
-- V4__orders_by_user_index.sql.conf beside this one says.
--
-- A concurrent build that is interrupted leaves an invalid index behind. Dropping it first makes this file
-- safe to run again.

-- The build waits for transactions older than itself; a short lock_timeout would only make it fail.
SET lock_timeout = 0;

DROP INDEX CONCURRENTLY IF EXISTS orders_user_id_created_at_idx;

CREATE INDEX CONCURRENTLY orders_user_id_created_at_idx ON orders (user_id, created_at DESC);

SET lock_timeout = '5s';
