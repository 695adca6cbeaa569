-- Forgets every user and session. The triggers and indexes go with their tables.

DROP TABLE sessions;
DROP TABLE users;
