-- The struck-out price of a sale. A nullable column without a default is added without touching a row.
-- The rule is NOT VALID: it holds for new rows from now on, and adding it needs only a moment's lock,
-- since old rows are not read. V6 reads them, under a lock that lets the shop go on.

ALTER TABLE products ADD COLUMN compare_at_cents bigint;

ALTER TABLE products ADD CONSTRAINT products_compare_at_check
  CHECK (compare_at_cents > price_cents) NOT VALID;
