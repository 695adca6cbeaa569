-- A constraint cannot be made NOT VALID again; it is made anew without reading a row.

ALTER TABLE products DROP CONSTRAINT products_compare_at_check;
ALTER TABLE products ADD CONSTRAINT products_compare_at_check
  CHECK (compare_at_cents > price_cents) NOT VALID;
