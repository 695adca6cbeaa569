\set product random(1, 100)
SELECT product_id, quantity FROM inventory WHERE product_id = :product;
