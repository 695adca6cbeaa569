-- Reads every product once under SHARE UPDATE EXCLUSIVE, which neither readers nor writers notice.

ALTER TABLE products VALIDATE CONSTRAINT products_compare_at_check;
