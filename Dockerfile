# dbtool: one executable on a slim Debian, as an ordinary user.
#
#   docker build -t dbtool .
#   docker run --rm -e DATABASE_URL=postgres://app:secret@db/shop -v ./migrations:/work/migrations:ro dbtool migrate

ARG SWIFT_VERSION=6.3
FROM swift:${SWIFT_VERSION}-bookworm AS build
RUN apt-get update \
  && apt-get install --yes --no-install-recommends libpq-dev libssl-dev pkg-config \
  && rm -rf /var/lib/apt/lists/*
WORKDIR /src
# The dependencies first: they change less often than the sources.
COPY Package.* ./
RUN swift package resolve
COPY Sources Sources
# The manifest names the test targets, so their folders must be there.
COPY Tests Tests
RUN swift build --configuration release --static-swift-stdlib --product dbtool \
  && install -D --strip .build/release/dbtool /out/dbtool

FROM debian:bookworm-slim
RUN apt-get update \
  && apt-get install --yes --no-install-recommends ca-certificates libpq5 libssl3 libstdc++6 \
  && rm -rf /var/lib/apt/lists/* \
  && useradd --system --uid 10001 --no-create-home --home-dir /work --shell /usr/sbin/nologin dbtool \
  && install --directory --owner dbtool /work
COPY --from=build /out/dbtool /usr/local/bin/dbtool
USER 10001
# migrations/, seeds/ and dbtool.toml are looked for here.
WORKDIR /work
# Clients; /metrics, /livez and /readyz.
EXPOSE 6432 9137
ENTRYPOINT ["dbtool"]
CMD ["--help"]
