-- Takes the catalogue and all its data away. What the repeatable migrations made goes along: the view stands on
-- these tables, and without a catalogue there is nothing to check out.

DROP FUNCTION IF EXISTS checkout(text, jsonb, text);
DROP VIEW IF EXISTS catalog;
DROP TABLE inventory;
DROP TABLE products;
DROP FUNCTION set_updated_at();
