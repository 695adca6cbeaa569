"""A server that answers from memory, and clients that ask for more than one thing at once: so cheap beside the pool that
on two cores the pool's own loops are what limits, which a real server and pgbench on the same cores hide.

    scripted.py PORT    serves until it is ended

Every simple query has the same length, QUERY, so that a piece of a stream tells by its length how many it holds; and the
same answer, ANSWER.
"""
import selectors
import socket
import struct
import sys
import time

import wire


def message(tag, body=b""):
    return tag + struct.pack("!i", len(body) + 4) + body


QUERY = message(b"Q", b"SELECT abalance FROM pgbench_accounts\0")
COLUMN = b"abalance\0" + struct.pack("!ihihih", 0, 0, 23, 4, -1, 0)
ROW = message(b"D", struct.pack("!hi", 1, 1) + b"f") + message(b"C", b"SELECT 1\0")
READY = message(b"Z", b"I")
ANSWER = message(b"T", struct.pack("!h", 1) + COLUMN) + ROW + READY
# What the messages of the extended protocol are answered with; a row for whatever is executed.
ANSWERS = {b"P": message(b"1"), b"B": message(b"2"), b"D": message(b"n"), b"C": message(b"3"), b"E": ROW, b"S": READY,
           b"Q": ANSWER}
WELCOME = message(b"R", struct.pack("!i", 0)) + b"".join(
    message(b"S", name + b"\0" + value + b"\0") for name, value in (
        (b"server_version", b"15.0"), (b"client_encoding", b"UTF8"), (b"standard_conforming_strings", b"on"))
) + message(b"K", struct.pack("!ii", 1, 1)) + READY
PIECE = 1 << 16
MANY = ANSWER * (PIECE // len(QUERY) + 2)


class Session:
    """One connection to the server."""

    def __init__(self):
        self.rest = b""
        self.greeted = False

    def answer(self, data):
        begin = self.rest + data[:len(QUERY) - len(self.rest)]
        if self.greeted and QUERY.startswith(begin):
            # Nothing but queries: whoever has the backend next sends only when these are answered.
            count, left = divmod(len(self.rest) + len(data), len(QUERY))
            self.rest = QUERY[:left]
            return memoryview(MANY)[:count * len(ANSWER)]
        data = self.rest + data
        at, answers = 0, []
        while len(data) - at >= (5 if self.greeted else 4):
            length = struct.unpack_from("!i", data, at + 1 if self.greeted else at)[0] + self.greeted
            if len(data) - at < length:
                break
            if self.greeted:
                answers.append(ANSWERS.get(data[at:at + 1], b""))
            else:
                self.greeted = True
                answers.append(WELCOME)
            at += length
        self.rest = data[at:]
        return b"".join(answers)


def serve(port):
    poll = selectors.DefaultSelector()
    listener = socket.create_server(("127.0.0.1", port), backlog=128)
    poll.register(listener, selectors.EVENT_READ)
    while True:
        for key, _ in poll.select():
            if key.data is None:
                connection, _ = listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                poll.register(connection, selectors.EVENT_READ, Session())
                continue
            try:
                data = key.fileobj.recv(PIECE)
                if data:
                    key.fileobj.sendall(key.data.answer(data))
                    continue
            except ConnectionError:
                pass
            poll.unregister(key.fileobj)
            key.fileobj.close()


def ask(contestant, server, clients, at_once, seconds):
    """Transactions per second of clients that always have `at_once` queries under way."""
    poll = selectors.DefaultSelector()
    asked = QUERY * at_once
    everything = len(ANSWER) * at_once
    connections = [wire.Client(contestant.host, contestant.port, server.user, server.password, "bench")
                   for _ in range(clients)]
    try:
        for connection in connections:
            poll.register(connection.socket, selectors.EVENT_READ, [everything])
            connection.socket.sendall(asked)
        buffer = bytearray(1 << 20)
        rounds, begin = 0, time.monotonic()
        while poll.get_map():
            for key, _ in poll.select(1):
                count = key.fileobj.recv_into(buffer)
                if count == 0:
                    raise RuntimeError("the connection was closed")
                key.data[0] -= count
                if key.data[0] > 0:
                    continue
                if (now := time.monotonic()) < begin + seconds:
                    rounds += 1
                    key.data[0] = everything
                    key.fileobj.sendall(asked)
                else:
                    # All is answered, so that nothing has to be cancelled.
                    poll.unregister(key.fileobj)
        return rounds * at_once / (now - begin)
    finally:
        for connection in connections:
            connection.close()


if __name__ == "__main__":
    serve(int(sys.argv[1]))
