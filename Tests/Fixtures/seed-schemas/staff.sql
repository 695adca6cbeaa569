-- People and departments: a tree whose root is its own boss, a circle through both tables, one-to-one tables, exclusion.
CREATE TABLE departments (
  code char(3) PRIMARY KEY CHECK (code ~ '^[A-Z0-9]{3}$'), name text NOT NULL UNIQUE, head_id int, budget money, floor smallint CHECK (floor > 10)
);
CREATE TABLE employees (
  id int PRIMARY KEY, badge varchar(8) NOT NULL UNIQUE, boss_id int NOT NULL REFERENCES employees, department char(3) NOT NULL REFERENCES departments,
  salary numeric(9,2) CHECK (salary > 1000), min_hours int NOT NULL, max_hours int NOT NULL, shift bit(4), photo bytea, office point, mac macaddr,
  hired date NOT NULL, left_on date, search tsvector GENERATED ALWAYS AS (to_tsvector('simple', badge)) STORED,
  CHECK (min_hours <= max_hours), CHECK (left_on IS NULL OR left_on >= hired)
);
ALTER TABLE departments ADD FOREIGN KEY (head_id) REFERENCES employees;
CREATE TABLE desks (employee_id int PRIMARY KEY REFERENCES employees, room int NOT NULL, UNIQUE (room));
CREATE TABLE weekdays (day smallint PRIMARY KEY CHECK (day BETWEEN 1 AND 7), label varchar(2) NOT NULL);
CREATE TABLE holidays (on_day date PRIMARY KEY, kind char(1) NOT NULL CHECK (kind IN ('a', 'b')));
CREATE TABLE bookings (
  employee_id int NOT NULL REFERENCES employees, during int4range NOT NULL, opening time NOT NULL, data json, doc xml, EXCLUDE USING gist (during WITH &&),
  PRIMARY KEY (employee_id, during)
);
CREATE TABLE regions (region text NOT NULL, id int NOT NULL, note varchar(3), PRIMARY KEY (region, id)) PARTITION BY LIST (region);
CREATE TABLE regions_north PARTITION OF regions FOR VALUES IN ('north', 'east');
