"""SQLAlchemy over three drivers: its ORM, reflection, pools with their resets, savepoints, streamed results."""

import os
import re

import sqlalchemy as sa
from sqlalchemy import orm

from serve import Serve

WHERE = "{PGUSER}:{PGPASSWORD}@{PGHOST}:{PGPORT}/{PGDATABASE}".format_map(os.environ)
DRIVERS = ("psycopg2", "psycopg", "pg8000")


class Base(orm.DeclarativeBase):
    pass


class Author(Base):
    __tablename__ = "sa_author"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    name: orm.Mapped[str] = orm.mapped_column(unique=True)
    books: orm.Mapped[list["Book"]] = orm.relationship(back_populates="author", order_by="Book.id")


class Book(Base):
    __tablename__ = "sa_book"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True)
    title: orm.Mapped[str]
    author_id: orm.Mapped[int] = orm.mapped_column(sa.ForeignKey("sa_author.id"))
    author: orm.Mapped[Author] = orm.relationship(back_populates="books")


def engine(driver, **more):
    return sa.create_engine(f"postgresql+{driver}://{WHERE}", **more)


class SQLAlchemy(Serve):
    def describe_error(self, error):
        original = getattr(error, "orig", None)
        return f"{type(error).__name__} {type(original).__name__} {re.sub(r'0x[0-9a-f]+', '', str(original or error))}"

    def on_all(self, work, **more):
        answers = []
        for driver in DRIVERS:
            made = engine(driver, **more)
            try:
                answers.append(work(made))
            except Exception as error:
                answers.append(self.describe_error(error))
            made.dispose()
        return answers

    def case_orm(self):
        def work(made):
            Base.metadata.create_all(made)
            try:
                with orm.Session(made) as session:
                    session.add_all([Author(name=f"author {i}", books=[Book(title=f"book {i}.{j}") for j in range(3)]) for i in range(30)])
                    session.commit()
                    answers = [session.scalar(sa.select(sa.func.count()).select_from(Book))]
                    session.add(Author(name="author 1"))
                    try:
                        session.commit()
                    except sa.exc.IntegrityError as error:
                        answers.append(type(error).__name__)
                        session.rollback()
                    with session.begin_nested():
                        session.add(Author(name="kept"))
                    try:
                        with session.begin_nested():
                            session.add(Author(name="kept"))
                            session.flush()
                    except sa.exc.IntegrityError:
                        answers.append("savepoint")
                    session.commit()
                    loaded = session.scalars(sa.select(Author).options(orm.selectinload(Author.books)).order_by(Author.id)).all()
                    answers.append([(a.name, [b.title for b in a.books]) for a in loaded][:3])
                    answers.append(session.execute(sa.update(Book).where(Book.id < 10).values(title="changed").returning(Book.id)).scalars().all())
                    session.commit()
                return answers
            finally:
                Base.metadata.drop_all(made)
        return self.on_all(work)

    def case_reflection(self):
        def work(made):
            Base.metadata.create_all(made)
            try:
                inspector = sa.inspect(made)
                return [sorted(inspector.get_table_names()), inspector.get_foreign_keys("sa_book"), inspector.get_pk_constraint("sa_author"),
                        [(c["name"], str(c["type"])) for c in inspector.get_columns("sa_book")], inspector.get_schema_names()]
            finally:
                Base.metadata.drop_all(made)
        return self.on_all(work)

    def case_isolation_levels(self):
        def work(made):
            answers = []
            for level in ("SERIALIZABLE", "REPEATABLE READ", "READ COMMITTED", "AUTOCOMMIT"):
                with made.connect().execution_options(isolation_level=level) as connection:
                    answers.append(connection.scalar(sa.text("SHOW transaction_isolation")))
            with made.connect() as connection:
                answers.append(connection.scalar(sa.text("SHOW transaction_isolation")))
            return answers
        return self.on_all(work, pool_size=1)

    def case_streamed(self):
        def work(made):
            with made.connect().execution_options(stream_results=True, max_row_buffer=10) as connection:
                return sum(row[0] for row in connection.execute(sa.text("SELECT generate_series(1, 500)")))
        return self.on_all(work)

    def case_settings_at_connect(self):
        answers = []
        for driver in ("psycopg2", "psycopg"):
            made = engine(driver, connect_args={"options": "-c search_path=pg_catalog -c work_mem=6MB", "application_name": "sa"}, pool_pre_ping=True)
            for _ in range(4):
                with made.connect() as connection:
                    answers.append(tuple(connection.execute(sa.text("SELECT current_setting('search_path'), current_setting('work_mem'), current_setting('application_name')")).one()))
            made.dispose()
        return answers

    def case_listener_that_sets(self):
        def work(made):
            @sa.event.listens_for(made, "connect")
            def set_it(connection, record):
                cursor = connection.cursor()
                cursor.execute("SET app.tenant = '42'")
                cursor.close()
                connection.commit()
            answers = []
            for _ in range(5):
                with made.connect() as connection:
                    answers.append(connection.scalar(sa.text("SELECT current_setting('app.tenant', true)")))
                    connection.execute(sa.text("SET search_path = pg_catalog"))
                    connection.commit()
                    answers.append(connection.scalar(sa.text("SHOW search_path")))
            return answers
        return self.on_all(work, pool_size=2)

    def case_two_phase(self):
        def work(made):
            with made.connect() as connection:
                transaction = connection.begin_twophase("sa conformance")
                connection.execute(sa.text("CREATE TABLE sa_tpc (i int)"))
                transaction.prepare()
                transaction.rollback()
                return connection.scalar(sa.text("SELECT to_regclass('sa_tpc')"))
        return self.on_all(work)

    def case_many_values(self):
        def work(made):
            table = sa.Table("sa_many", sa.MetaData(), sa.Column("i", sa.Integer, primary_key=True), sa.Column("t", sa.Text))
            table.create(made)
            try:
                with made.begin() as connection:
                    connection.execute(table.insert(), [{"i": i, "t": f"t{i}"} for i in range(2500)])
                    return connection.scalar(sa.select(sa.func.count()).select_from(table)), connection.execute(sa.select(table).where(table.c.i.in_(range(50)))).all()[-1]
            finally:
                table.drop(made)
        return self.on_all(work)

    def case_pre_ping_after_termination(self):
        def work(made):
            with made.connect() as connection:
                try:
                    connection.execute(sa.text("SELECT pg_terminate_backend(pg_backend_pid())"))
                except sa.exc.DBAPIError as error:
                    lost = error.connection_invalidated
            with made.connect() as connection:
                return lost, connection.scalar(sa.text("SELECT 1"))
        return self.on_all(work, pool_pre_ping=True)


if __name__ == "__main__":
    SQLAlchemy().main()
