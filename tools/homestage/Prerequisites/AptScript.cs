namespace HomeStage.Tool.Prerequisites;

/// <summary>
/// Installs packages without starting the servers in them, now or at the next boot. Debian asks <c>policy-rc.d</c> whether a
/// package may start its service; where a machine has none, one that says no is there for the time of the installation.
/// </summary>
internal static class AptScript
{
    public const string PolicyFile = "/usr/sbin/policy-rc.d";

    /// <summary>The script; its arguments are the packages, each with alternatives joined by '|', of which the first that exists is taken.</summary>
    public static string Text(string policyFile = PolicyFile) => $$"""
        set -u
        export DEBIAN_FRONTEND=noninteractive
        guard='{{policyFile}}'
        if [ ! -e "$guard" ] || grep -q 'put here by homestage' "$guard"; then
          trap 'rm -f "$guard"' EXIT
          trap 'exit 1' INT TERM HUP
          printf '#!/bin/sh\n# put here by homestage while it installs packages\nexit 101\n' > "$guard"
          chmod 755 "$guard"
        fi

        units_before=$(ls /lib/systemd/system /usr/lib/systemd/system 2>/dev/null)

        updated=
        update() { [ -n "$updated" ] || apt-get update -qq; updated=yes; }
        ls /var/lib/apt/lists/*_Packages* >/dev/null 2>&1 || update

        choose() {
          for package in $(echo "$1" | tr '|' ' '); do
            apt-cache show "$package" >/dev/null 2>&1 && { echo "$package"; return; }
          done
          echo "${1%%|*}"
        }
        install() {
          packages=
          for alternatives in "$@"; do packages="$packages $(choose "$alternatives")"; done
          apt-get install -qq -y --no-install-recommends -o Dpkg::Use-Pty=0 $packages >/dev/null
        }
        # Lists that are too old name packages that are gone: fetch them and try once more.
        install "$@" || { update && install "$@"; } || exit 1

        if [ -d /run/systemd/system ]; then
          for unit in postgresql.service rabbitmq-server.service redis-server.service epmd.socket epmd.service prometheus.service; do
            echo "$units_before" | grep -qx "$unit" || systemctl disable --quiet "$unit" 2>/dev/null
          done
        fi
        exit 0
        """;
}
