# Sourced by what fetches packages for the board. A private apt resolves and fetches for the board's architecture with a state of
# its own, which says that nothing is installed yet, and leaves the system's apt alone.
#
# usage: prepare_apt DIRECTORY [ARCHITECTURE], armhf unless another one is named. The indexes are then fetched, APT_CONFIG says so to apt-get and apt-cache, and the log is
# DIRECTORY/log.

prepare_apt() {
    apt=$1
    mkdir -p "$apt/state/lists/partial" "$apt/cache/archives/partial"
    : >"$apt/state/status"
    sources=/etc/apt/sources.list
    [ -f /etc/apt/sources.list.d/debian.sources ] && sources=/etc/apt/sources.list.d/debian.sources
    cat >"$apt/apt.conf" <<END
APT::Architecture "${2:-armhf}";
APT::Architectures { "${2:-armhf}"; };
APT::Install-Recommends "false";
APT::Sandbox::User "";
Debug::NoLocking "true";
Dir::State "$apt/state";
Dir::State::status "$apt/state/status";
Dir::Cache "$apt/cache";
Dir::Etc::sourcelist "$sources";
Dir::Etc::sourceparts "-";
Acquire::Retries "3";
END
    export APT_CONFIG="$apt/apt.conf"
    # One index of several may be out of step on a mirror; whether all packages are to be had is judged by who wants them.
    apt-get -q update >"$apt/log" 2>&1 || say "some of apt's indexes could not be fetched; going on with the others"
}
