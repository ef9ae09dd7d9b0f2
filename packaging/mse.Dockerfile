# SPDX-License-Identifier: Apache-2.0
# The command line `mse` in a container, for machines that are not Debian 12. Built from a clone:
#   docker build -t mse -f packaging/mse.Dockerfile .
# The directory with mse.toml is mounted at /mnt/workspace; what mse keeps (sign-in, contexts, keys) at /mnt/config:
#   docker run --rm -it --network host -v "$PWD:/mnt/workspace" -v "$HOME/.config/mse:/mnt/config" mse cloud list
# --network host lets the browser reach the sign-in's port; `mse login --device` does without. The container cannot recompute the
# bill of an image (it has none of its packages): deploying from it needs a publisher's signature (`mse trust add-publisher`).
ARG BASE=debian:12
FROM ${BASE} AS build
COPY . /src
WORKDIR /src
RUN apt-get update && sed -n '/^# build/,/^# run/{/^[a-z]/p}' packaging/debian-packages.txt | \
    xargs apt-get install -y --no-install-recommends libcmocka-dev
RUN meson setup /build --prefix /usr --buildtype release && ninja -C /build src/cli/mse

FROM ${BASE}
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates libarchive13 libcbor0.8 libcurl4 \
    libjansson4 libsodium23 libssl3 libstdc++6 libtomlplusplus3 python3 tzdata && rm -rf /var/lib/apt/lists/*
COPY --from=build /build/src/cli/mse /usr/bin/mse
ENV MSE_CONF_PATH=/mnt/config
WORKDIR /mnt/workspace
ENTRYPOINT ["mse"]
