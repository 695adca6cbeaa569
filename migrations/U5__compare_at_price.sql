-- The struck-out prices are lost. Dropping a column only marks it; no row is rewritten.

ALTER TABLE products DROP CONSTRAINT products_compare_at_check;
ALTER TABLE products DROP COLUMN compare_at_cents;
