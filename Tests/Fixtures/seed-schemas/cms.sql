-- A site with pages: slugs that a pattern checks, a tree, versions that pages point back to, tags, settings with one row.
CREATE SCHEMA cms;
CREATE TYPE cms.state AS ENUM ('draft', 'published', 'archived');
CREATE TABLE cms.users (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, login varchar(12) NOT NULL CHECK (login ~ '^[a-z][a-z0-9_]{2,11}$'),
  email text NOT NULL, display_name text NOT NULL CHECK (length(trim(display_name)) > 0), password_hash char(60) NOT NULL,
  born date CHECK (born BETWEEN '1900-01-01' AND '2010-12-31'), created_at timestamptz NOT NULL DEFAULT now(), UNIQUE (login)
);
CREATE UNIQUE INDEX users_email ON cms.users (lower(email));
CREATE TABLE cms.pages (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, parent_id bigint REFERENCES cms.pages, author_id bigint NOT NULL REFERENCES cms.users,
  slug text NOT NULL CHECK (slug ~ '^[a-z0-9]+(?:-[a-z0-9]+)*$' AND char_length(slug) <= 80), title text NOT NULL,
  state cms.state NOT NULL DEFAULT 'draft', current_version bigint, tags text[] NOT NULL DEFAULT '{}', meta jsonb NOT NULL DEFAULT '{}',
  published_at timestamptz, words int GENERATED ALWAYS AS (char_length(title)) STORED, weight real CHECK (weight > 0 AND weight <= 1),
  UNIQUE (slug), CHECK (parent_id <> id)
);
CREATE TABLE cms.versions (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, page_id bigint NOT NULL REFERENCES cms.pages ON DELETE CASCADE,
  number int NOT NULL CHECK (number > 0), body text NOT NULL, editor_id bigint REFERENCES cms.users, UNIQUE (page_id, number)
);
ALTER TABLE cms.pages ADD FOREIGN KEY (current_version) REFERENCES cms.versions;
CREATE TABLE cms.tags (name text PRIMARY KEY);
CREATE TABLE cms.page_tags (page_id bigint REFERENCES cms.pages, tag text REFERENCES cms.tags, PRIMARY KEY (page_id, tag));
CREATE TABLE cms.profiles (user_id bigint PRIMARY KEY REFERENCES cms.users, bio text, site text CHECK (site LIKE 'http%'), avatar bytea);
CREATE TABLE cms.settings (only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row), site_name text NOT NULL);
CREATE TABLE cms.redirects ("from" text PRIMARY KEY, "to" text NOT NULL, "Hit Count" int NOT NULL DEFAULT 0, CHECK ("from" <> "to"));
CREATE TABLE cms.attachments (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(), page_id bigint REFERENCES cms.pages, version_id bigint REFERENCES cms.versions,
  file_name text NOT NULL, bytes bigint NOT NULL CHECK (bytes > 0), mime text NOT NULL CHECK (mime IN ('image/png', 'text/plain')),
  CHECK (num_nonnulls(page_id, version_id) = 1)
);
