# syntax=docker/dockerfile:1
# Builds the gateway from the sources and leaves the program alone in a small image:
#
#   docker build -t scaleodm .
#   docker run --read-only -p 31100:31100 -v "$PWD/gateway.yaml:/etc/scaleodm/gateway.yaml:ro" -v scaleodm:/var/lib/scaleodm \
#       scaleodm serve -c /etc/scaleodm/gateway.yaml
#
# Without a command it runs as ScaleODM's own image does: with a Kubernetes cluster around it, from ScaleODM's variables alone.
#
# The same Debian in both stages: the program is linked against its libraries.

FROM swift:6.3-bookworm AS build
WORKDIR /src
COPY . .
RUN make build

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends \
        ca-certificates libarchive13 libcurl4 libexpat1 libpq5 libsqlite3-0 libssl3 libyaml-0-2 zlib1g \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 scaleodm \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/scaleodm --shell /usr/sbin/nologin scaleodm \
    && install --directory --owner=10001 --group=10001 --mode=0750 /var/lib/scaleodm
COPY --from=build /src/.build/release/scaleodm /usr/local/bin/scaleodm

# A number, so that Kubernetes can see that it isn't root.
USER 10001:10001
WORKDIR /var/lib/scaleodm
# The only place that it writes to: `database` and `storage.directory` of the inventory belong below it.
VOLUME /var/lib/scaleodm
# The NodeODM API, and the admin listener.
EXPOSE 31100 31101
# Whether its loops turn; whether it takes tasks is what /readyz says.
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 CMD ["scaleodm", "health"]
ENTRYPOINT ["scaleodm"]
CMD ["serve"]
