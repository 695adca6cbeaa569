-- While the shop is open, too: a plain DROP INDEX would wait for every transaction that uses the table, and
-- make everybody behind it wait. See the .conf file beside this one, and V4.

SET lock_timeout = 0;

DROP INDEX CONCURRENTLY IF EXISTS orders_user_id_created_at_idx;

SET lock_timeout = '5s';
