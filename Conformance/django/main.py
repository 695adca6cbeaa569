"""Django: its ORM with server-side cursors, atomic blocks, iterators, persistent connections and session settings."""

import os

import django
from django.conf import settings

DATABASE = {"ENGINE": "django.db.backends.postgresql", "NAME": os.environ["PGDATABASE"], "USER": os.environ["PGUSER"],
            "PASSWORD": os.environ["PGPASSWORD"], "HOST": os.environ["PGHOST"], "PORT": os.environ["PGPORT"], "CONN_MAX_AGE": 600}
settings.configure(
    DATABASES={"default": DATABASE, "binding": {**DATABASE, "OPTIONS": {"server_side_binding": True}},
               "options": {**DATABASE, "TIME_ZONE": "Asia/Tokyo", "OPTIONS": {"options": "-c search_path=public -c work_mem=6MB", "isolation_level": 4,
                                                                         "application_name": "dj", "assume_role": "writer"}}},
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth"], USE_TZ=True, DEFAULT_AUTO_FIELD="django.db.models.BigAutoField")
django.setup()

from django.core.management import call_command
from django.db import DatabaseError, IntegrityError, connection, connections, models, transaction

from serve import Serve


class Thing(models.Model):
    name = models.CharField(max_length=50, unique=True)
    size = models.IntegerField(default=0)
    data = models.JSONField(default=dict)

    class Meta:
        app_label = "conformance"


class Django(Serve):
    def __init__(self):
        super().__init__()

    def describe_error(self, error):
        return f"{type(error).__name__} {error}"

    def with_things(self, work):
        with connection.schema_editor() as editor:
            editor.create_model(Thing)
        try:
            return work()
        finally:
            with connection.schema_editor() as editor:
                editor.delete_model(Thing)

    def case_orm(self):
        def work():
            Thing.objects.bulk_create(Thing(name=f"n{i}", size=i, data={"i": i}) for i in range(300))
            answers = [Thing.objects.filter(size__gt=10).count(), Thing.objects.aggregate(models.Sum("size"))]
            answers.append(Thing.objects.get_or_create(name="n5")[1])
            answers.append(Thing.objects.update_or_create(name="n5", defaults={"size": 7})[0].size)
            answers.append(list(Thing.objects.filter(data__i__lt=3).order_by("size").values_list("name", flat=True)))
            answers.append(Thing.objects.filter(size__gt=290).delete()[0])
            answers.append(Thing.objects.create(name="new").pk is not None)
            return answers
        return self.with_things(work)

    def case_atomic(self):
        def work():
            answers = []
            with transaction.atomic():
                Thing.objects.create(name="one")
                try:
                    with transaction.atomic():
                        Thing.objects.create(name="one")
                except IntegrityError:
                    answers.append("savepoint")
                Thing.objects.create(name="two")
            try:
                with transaction.atomic():
                    Thing.objects.create(name="three")
                    raise ValueError("given up")
            except ValueError:
                pass
            with transaction.atomic():
                answers.append(list(Thing.objects.select_for_update(skip_locked=True).order_by("name").values_list("name", flat=True)))
            return answers
        return self.with_things(work)

    def case_iterators(self):
        """Outside a transaction the cursor is WITH HOLD."""
        def work():
            Thing.objects.bulk_create(Thing(name=f"n{i}", size=i) for i in range(500))
            total = 0
            for thing in Thing.objects.order_by("size").iterator(chunk_size=40):
                total += thing.size
                if thing.size % 100 == 0:
                    Thing.objects.filter(pk=thing.pk).update(name=f"m{thing.size}")
            with transaction.atomic():
                inside = sum(thing.size for thing in Thing.objects.iterator(chunk_size=30))
            unfinished = Thing.objects.iterator(chunk_size=10)
            next(unfinished)
            return total, inside, Thing.objects.filter(name__startswith="m").count()
        return self.with_things(work)

    def case_migrations_of_its_own(self):
        call_command("migrate", verbosity=0)
        from django.contrib.auth.models import User
        User.objects.create_user("anna", password=None)
        answers = [User.objects.filter(username="anna").exists(), sorted(connection.introspection.table_names())]
        call_command("migrate", "auth", "zero", verbosity=0)
        call_command("migrate", "contenttypes", "zero", verbosity=0)
        return answers

    def case_options(self):
        answers = []
        other = connections["options"]
        for _ in range(4):
            with other.cursor() as cursor:
                cursor.execute("SELECT current_setting('search_path'), current_setting('work_mem'), current_setting('TimeZone'), "
                               "current_setting('transaction_isolation'), current_setting('application_name'), current_user")
                answers.append(cursor.fetchone())
        other.close()
        return answers

    def case_server_side_binding(self):
        other = connections["binding"]
        answers = []
        for i in range(10):
            with other.cursor() as cursor:
                cursor.execute("SELECT %s::int, %s::text", [i, "ü"])
                answers.append(cursor.fetchone())
        other.close()
        return answers

    def case_errors_and_reconnect(self):
        answers = []
        for sql in ("SELECT 1/0", "SELECT * FROM dj_none", "SELECT pg_terminate_backend(pg_backend_pid())"):
            try:
                with connection.cursor() as cursor:
                    cursor.execute(sql)
            except DatabaseError as error:
                answers.append(self.describe_error(error))
        connection.close_if_unusable_or_obsolete()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 'back'")
            answers.append(cursor.fetchone())
        return answers

    def case_named_cursor_and_copy(self):
        def work():
            Thing.objects.bulk_create(Thing(name=f"n{i}", size=i) for i in range(50))
            with connection.cursor() as cursor:
                with cursor.copy("COPY (SELECT name FROM conformance_thing ORDER BY size) TO STDOUT") as copy:
                    size = sum(len(block) for block in copy)
            with transaction.atomic(), connection.chunked_cursor() as cursor:
                cursor.execute("SELECT size FROM conformance_thing ORDER BY size")
                return size, cursor.fetchmany(7), len(cursor.fetchall())
        return self.with_things(work)


if __name__ == "__main__":
    Django().main()
