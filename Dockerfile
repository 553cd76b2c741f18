# syntax=docker/dockerfile:1
# Two stages: the bundle is built with everything, the image holds Node and one file.
ARG BUILD_BASE=node:24-bookworm-slim
ARG BASE=gcr.io/distroless/nodejs24-debian12:nonroot

FROM ${BUILD_BASE} AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund
COPY LICENSE README.md CHANGELOG.md tsconfig.json ./
COPY scripts scripts
COPY src src
RUN npm run build

FROM ${BASE}
WORKDIR /curfew
# Beside the bundle, what it is made of: scanners find the bill of materials, and the licences go where the code goes.
COPY --from=build /src/dist/npm/curfew.mjs /src/dist/npm/package.json /src/dist/npm/curfew.cdx.json \
  /src/dist/npm/LICENSE /src/dist/npm/THIRD-PARTY-LICENSES.txt ./
USER 65532:65532
EXPOSE 10250 8080
# One pool of memory for all threads: with one each, what a thread has freed stays with it (8 MiB of 130, measured).
ENV MALLOC_ARENA_MAX=1
# Of the heap one number: Node sizes the old generation by the container's memory limit, and what is said here would be wrong for
# another limit. But with the limit of the chart it makes the young one 1 MiB, and a review then takes 360 µs of a processor; with 2 MiB
# it takes 253, with 4 240 (measured), for 5 and 9 MiB of memory. So small a generation is collected by one thread in less time than by
# several, which wait for each other where processors are busy or limited: up to 31 ms, and alone 3 (measured).
ENTRYPOINT ["/nodejs/bin/node", "--max-semi-space-size=2", "--no-parallel-scavenge", "/curfew/curfew.mjs"]
CMD ["serve"]
