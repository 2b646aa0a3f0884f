#!/usr/bin/env bash
# Tries docker-compose.yml for real, on a Debian machine that can pull no image: makes stand-ins for the base images out of Debian's packages and
# this machine's .NET, builds all images, brings everything up as it is, stages a photo, scales the workers to 3 and kills one in the middle of
# a job, and checks. Works on a copy of this clone in a temporary folder and leaves nothing behind. Needs root, the .NET SDK 10 and 15 GB.
# With --keep the stand-ins stay in an engine that ran before, for the next try.
set -euo pipefail

if [ "${1:-}" = --help ]; then
  sed -n '2,6s/^# //p' "$0"
  exit 0
fi
[ "$(id -u)" = 0 ] || { echo "try-compose.sh starts a container engine and needs root: run it with sudo." >&2; exit 1; }
root=$(cd "$(dirname "$0")/.." && pwd -P)
keep=${1:-}
work=$(mktemp -d /var/tmp/homestage-compose-XXXXXX)
engine=
step() { echo; echo "── $* ($(date +%T))"; }
fail() { echo "FAILED: $*" >&2; exit 1; }

trap 'echo "FAILED in line $LINENO: $BASH_COMMAND" >&2' ERR
finish() {
  local code=$?
  step "Taking down"
  if [ -f "$work/source/deploy/.env" ]; then
    if [ $code != 0 ]; then (cd "$work/source/deploy" && compose ps && compose logs --no-color --tail=15) >&2 || true; fi
    (cd "$work/source/deploy" && compose down --volumes --remove-orphans --timeout 5) >/dev/null 2>&1 || true
  fi
  if [ -n "$engine" ]; then
    kill "$engine" && wait "$engine" 2>/dev/null || true
  elif [ "$keep" != --keep ]; then
    docker image ls --format '{{.Repository}}:{{.Tag}}' | grep -E '^homestage-(try|standin)/' | xargs --no-run-if-empty docker image rm --force >/dev/null || true
  fi
  # What the engine mounted is under its folder until it has ended.
  grep -o "$work[^ ]*" /proc/mounts | sort -r | xargs --no-run-if-empty umount 2>/dev/null || true
  rm -rf "$work"
  [ $code = 0 ] && echo "The compose file works: all of it ran, and nothing is left." || echo "try-compose.sh failed; what it said is above." >&2
  exit $code
}
trap finish EXIT
compose() { docker-compose --project-name homestage-try --profile simulators "$@"; }

step "A container engine"
missing=()
command -v dockerd >/dev/null || docker info >/dev/null 2>&1 || missing+=(docker.io iptables)
command -v docker-compose >/dev/null || missing+=(docker-compose)
command -v debootstrap >/dev/null || missing+=(debootstrap)
if [ ${#missing[@]} -gt 0 ]; then
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends "${missing[@]}" >/dev/null
fi
if ! docker info >/dev/null 2>&1; then
  export DOCKER_HOST=unix://$work/docker.sock
  dockerd --data-root "$work/engine" --exec-root "$work/exec" --pidfile "$work/docker.pid" --host "$DOCKER_HOST" >"$work/docker.log" 2>&1 &
  engine=$!
  for _ in $(seq 60); do docker info >/dev/null 2>&1 && break; sleep 0.5; done
  docker info >/dev/null 2>&1 || { tail -5 "$work/docker.log" >&2; fail "the container engine does not start"; }
fi

step "A copy of this clone"
mkdir "$work/source"
git -C "$root" ls-files -z | tar -C "$root" --null --files-from - --create | tar -C "$work/source" --extract
cd "$work/source"

step "Stand-ins for the base images"
if ! docker image inspect homestage-standin/debian >/dev/null 2>&1; then
  debootstrap --variant=minbase --include=ca-certificates bookworm "$work/debian" >"$work/debootstrap.log" || { tail -5 "$work/debootstrap.log" >&2; fail "debootstrap"; }
  cp /etc/apt/apt.conf.d/* "$work/debian/etc/apt/apt.conf.d/" 2>/dev/null || true
  tar -C "$work/debian" -c . | docker import - homestage-standin/debian >/dev/null
  rm -rf "$work/debian"
fi

# As in the official images, folders that become tmpfs are everybody's: some engines give the mount the mode that its folder had.
# stand_in NAME FOLDER: builds an image of the Dockerfile on standard input.
stand_in() { docker image inspect "homestage-standin/$1" >/dev/null 2>&1 || docker build --tag "homestage-standin/$1" --file - "$2" >"$work/stand-in.log" 2>&1 || { tail -20 "$work/stand-in.log" >&2; fail "stand-in $1"; }; echo "  $1"; }
dotnet=$(dirname "$(readlink -f "$(command -v dotnet)")")
dotnet restore HomeStage.sln --verbosity quiet >/dev/null
packages=$(dotnet nuget locals global-packages --list | cut -d' ' -f2)
mkdir -p "$work/sdk/packages" "$work/runtime" "$work/empty"
find "$packages" -name '*.nupkg' -exec cp --target-directory "$work/sdk/packages" {} +
cp -r "$dotnet" "$work/sdk/dotnet"
mkdir "$work/runtime/dotnet"
cp -r "$dotnet"/{dotnet,host,shared} "$work/runtime/dotnet/"
cat >"$work/sdk/nuget.config" <<'CONFIG'
<configuration><packageSources><clear /><add key="machine" value="/packages" /></packageSources></configuration>
CONFIG
stand_in runtime "$work/runtime" <<'DOCKER'
FROM homestage-standin/debian
RUN apt-get update && apt-get install --yes --no-install-recommends libssl3 libstdc++6 zlib1g && rm -rf /var/lib/apt/lists/*
COPY dotnet /usr/share/dotnet
ENV DOTNET_ROOT=/usr/share/dotnet PATH=/usr/share/dotnet:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
DOCKER
# One that was kept has the packages of its own try.
docker image rm --force homestage-standin/sdk >/dev/null 2>&1 || true
stand_in sdk "$work/sdk" <<'DOCKER'
FROM homestage-standin/runtime
COPY dotnet /usr/share/dotnet
COPY packages /packages
ENV DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1
COPY nuget.config /root/.nuget/NuGet/NuGet.Config
DOCKER
stand_in postgres "$work/empty" <<'DOCKER'
FROM homestage-standin/debian
RUN groupadd --gid 999 postgres && useradd --uid 999 --gid 999 --home-dir /var/lib/postgresql postgres \
    && apt-get update && apt-get install --yes --no-install-recommends postgresql-15 && mkdir -p /var/lib/postgresql/data && chown 999:999 /var/lib/postgresql/data && chmod 1777 /var/lib/postgresql/data /var/run/postgresql
ENV PATH=/usr/lib/postgresql/15/bin:/usr/sbin:/usr/bin:/sbin:/bin
# What the official image does at its first start: a cluster, the scripts of initdb.d on a socket alone, then the server.
RUN printf '%s\n' '#!/bin/bash' 'set -e' \
    'if [ ! -s "$PGDATA/PG_VERSION" ]; then' \
    '  initdb --pgdata "$PGDATA" --username postgres --pwfile "$POSTGRES_PASSWORD_FILE" --auth-local trust --auth-host scram-sha-256' \
    '  echo "host all all all scram-sha-256" >> "$PGDATA/pg_hba.conf"' \
    '  pg_ctl --pgdata "$PGDATA" --options "-c listen_addresses=" --wait start' \
    '  for script in /docker-entrypoint-initdb.d/*.sql; do psql --set ON_ERROR_STOP=1 --no-psqlrc --username postgres --file "$script"; done' \
    '  pg_ctl --pgdata "$PGDATA" --mode fast --wait stop' \
    'fi' \
    'exec "$@" -c listen_addresses="*"' > /usr/local/bin/start && chmod +x /usr/local/bin/start
ENTRYPOINT ["/usr/local/bin/start"]
DOCKER
stand_in rabbitmq "$work/empty" <<'DOCKER'
FROM homestage-standin/debian
RUN groupadd --gid 999 rabbitmq && useradd --uid 999 --gid 999 --home-dir /var/lib/rabbitmq rabbitmq \
    && apt-get update && apt-get install --yes --no-install-recommends rabbitmq-server procps && rm -rf /var/lib/rabbitmq/* /var/lib/rabbitmq/.erlang.cookie && chown -R 999:999 /var/lib/rabbitmq && chmod 1777 /var/log/rabbitmq
# The wrappers of Debian change users, which the official image's programs do not.
ENV PATH=/usr/lib/rabbitmq/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/var/lib/rabbitmq RABBITMQ_CONFIG_FILE=/etc/rabbitmq/rabbitmq.conf RABBITMQ_ENABLED_PLUGINS_FILE=/etc/rabbitmq/enabled_plugins
CMD ["rabbitmq-server"]
DOCKER
stand_in redis "$work/empty" <<'DOCKER'
FROM homestage-standin/debian
RUN groupadd --gid 999 redis && useradd --uid 999 --gid 999 redis && apt-get update && apt-get install --yes --no-install-recommends redis-server
WORKDIR /data
DOCKER
stand_in prometheus "$work/empty" <<'DOCKER'
FROM homestage-standin/debian
RUN apt-get update && apt-get install --yes --no-install-recommends prometheus && mkdir /prometheus && chown 65534:65534 /prometheus && chmod 1777 /prometheus
ENTRYPOINT ["prometheus"]
DOCKER
stand_in alertmanager "$work/empty" <<'DOCKER'
FROM homestage-standin/debian
RUN apt-get update && apt-get install --yes --no-install-recommends prometheus-alertmanager
ENTRYPOINT ["prometheus-alertmanager"]
DOCKER

step "Secrets and settings"
./homestage secrets init --out deploy/secrets --simulators
cp deploy/.env.example deploy/.env
port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])' 2>/dev/null || shuf -i 20000-29999 -n 1; }
gateway=$(port) prometheus=$(port)
cat >>deploy/.env <<SETTINGS
HOMESTAGE_IMAGES=homestage-try
SDK_IMAGE=homestage-standin/sdk
RUNTIME_IMAGE=homestage-standin/runtime
VIPS_PACKAGE=libvips42
POSTGRES_IMAGE=homestage-standin/postgres
RABBITMQ_IMAGE=homestage-standin/rabbitmq
REDIS_IMAGE=homestage-standin/redis
PROMETHEUS_IMAGE=homestage-standin/prometheus
ALERTMANAGER_IMAGE=homestage-standin/alertmanager
PUBLIC_URL=https://localhost:$gateway
HOMESTAGE_PORT=$gateway
PROMETHEUS_PORT=$prometheus
STRIPE_SIMULATOR_PORT=$(port)
SUPPORT_PORT=$(port)
RABBITMQ_MANAGEMENT_PORT=$(port)
ALERTMANAGER_PORT=$(port)
OPENAI_BASE_URL=http://openai-simulator:4020/v1
STRIPE_API_URL=http://stripe-simulator:4010
ALLOWED_HOSTS=gateway
SETTINGS
cd deploy

step "Building the images"
compose build >"$work/build.log" 2>&1 || { tail -40 "$work/build.log" >&2; fail "an image does not build"; }
docker image ls --format '  {{.Repository}} {{.Size}}' | grep homestage-try

# There is no package of Grafana to make a stand-in of.
step "Up, without Grafana"
running="gateway staging-worker prometheus alertmanager stripe-simulator openai-simulator"
compose up --detach $running >"$work/up.log" 2>&1 || { tail -20 "$work/up.log" >&2; fail "docker-compose up"; }
ready() { [ "$(docker inspect --format '{{.State.Health.Status}}' "$1")" = healthy ]; }
until_healthy() {
  local waited id
  for id in $(compose ps --quiet "$1"); do
    for waited in $(seq 120); do ready "$id" && break; sleep 1; done
    ready "$id" || fail "$1 is not healthy: $(docker inspect --format '{{json .State}}' "$id")"
  done
}
for service in billing entitlements staging-api staging-worker gateway; do until_healthy $service; done

step "A photo, staged"
demo() { ../homestage demo --url "https://localhost:$gateway" --certificate secrets/gateway/tls-cert --data "$work/visitor" --out "$work/pictures" "$@"; }
demo

step "Three workers, one of them killed in the middle"
compose up --detach --no-recreate --scale staging-worker=3 $running >>"$work/up.log" 2>&1
until_healthy staging-worker
workers=$(compose ps --quiet staging-worker)
[ "$(echo "$workers" | wc -l)" = 3 ] || fail "there are not three workers"
demo >"$work/demo.log" 2>&1 &
demo=$!
for _ in $(seq 120); do grep -qi 'generating' "$work/demo.log" && break; sleep 0.25; done
# Two of the three: most times the one that has the job is among them, and whoever is left must bring it to its end.
for worker in $(echo "$workers" | head -2); do docker kill "$worker" >/dev/null; done
wait $demo || { cat "$work/demo.log" >&2; fail "the job was lost with its worker"; }
cat "$work/demo.log"

step "Checks"
for service in gateway billing entitlements staging-api staging-worker postgres rabbitmq redis prometheus alertmanager; do
  id=$(compose ps --quiet $service | head -1)
  [ "$(docker exec "$id" id -u 2>/dev/null || echo 1)" != 0 ] || fail "$service runs as root"
  docker inspect --format '{{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}}' "$id" | grep -q '^true \[ALL\]' || fail "$service can write to its file system or has capabilities"
done
reaches() { docker exec "$(compose ps --quiet "$1" | head -1)" timeout 3 bash -c "exec 3<>/dev/tcp/$2" 2>/dev/null; }
reaches billing postgres/5432 || fail "billing does not reach its database"
! reaches gateway postgres/5432 || fail "the gateway reaches the database"
! reaches staging-worker postgres/5432 || fail "a worker reaches the database"
! reaches gateway rabbitmq/5672 || fail "the gateway reaches the broker"
! reaches staging-worker billing/8080 || fail "a worker reaches billing"
for _ in $(seq 60); do
  up=$(curl -fsS "http://127.0.0.1:$prometheus/api/v1/query" --data-urlencode 'query=count by (job) (up == 1)' | grep -o '"job":"[a-z-]*"' | sort | tr '\n' ' ') || true
  [ "$(echo "$up" | wc -w)" -ge 5 ] && break
  sleep 1
done
[ "$(echo "$up" | wc -w)" -ge 5 ] || fail "Prometheus does not scrape all services: $up"
echo "Scraped: $up"
docker stats --no-stream --format '  {{.Name}} {{.MemUsage}}' | sort
