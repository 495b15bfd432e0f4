# shellcheck shell=bash
# How build.sh and suite.sh build an image: with the arguments that the project needs, and with its secrets.
#
# The file `image.args` in the project's root, if there is one, holds build arguments as lines NAME=value; `#` begins a comment.

fail() {
  echo "${0##*/}: $*" >&2
  exit 1
}

# split_options ARGUMENT...: sets `build_options` to the options of `docker build` at the beginning, and `rest` to the arguments behind
# them, or behind `--`. An option's value is a word of its own, or follows a `=`.
split_options() {
  build_options=()
  while [[ ${1:-} == -* ]]; do
    if [[ $1 == -- ]]; then
      shift
      break
    fi
    build_options+=("$1")
    case $1 in
      --*=* | --no-cache | --pull | --quiet | -q | --force-rm | --compress | --squash | --load) ;;
      *)
        [[ $# -ge 2 ]] || fail "the option $1 lacks its value"
        build_options+=("$2")
        shift
        ;;
    esac
    shift
  done
  # shellcheck disable=SC2034 # for whoever sources this
  rest=("$@")
}

# project_arguments: sets `project_arguments` to the options that pass the lines of image.args
project_arguments() {
  project_arguments=()
  [[ -f image.args ]] || return 0
  local line number=0
  while IFS= read -r line || [[ -n $line ]]; do
    number=$((number + 1)) line=${line%$'\r'}
    [[ $line =~ ^[[:space:]]*(#.*)?$ ]] && continue
    [[ $line =~ ^[A-Za-z_][A-Za-z0-9_]*= ]] || fail "image.args, line $number is \"$line\", expected NAME=value"
    project_arguments+=(--build-arg "$line")
  done <image.args
}

# secret_mounts OPTION...: the mounts that --secret and --ssh need in each step, for those steps cannot ask for them themselves: the
# Dockerfile has to build without BuildKit, too
secret_mounts() {
  local value id target option
  while (($#)); do
    case $1 in
      --secret | --ssh) value=$2 option=$1; shift ;;
      --secret=* | --ssh=*) value=${1#*=} option=${1%%=*} ;;
      *) shift; continue ;;
    esac
    shift
    id=$(sed -n 's/^\(.*,\)\{0,1\}id=\([^,]*\).*/\2/p' <<<"$value")
    case $option:$id in
      --ssh:*) printf -- '--mount=type=ssh%s ' "$([[ ${value%%=*} == default ]] || printf ',id=%s' "${value%%=*}")" ;;
      --secret:) fail "--secret \"$value\" has no id, expected for example id=netrc,src=$HOME/.netrc" ;;
      --secret:*)
        case $id in
          cargo-credentials) target=/usr/local/cargo/credentials.toml ;;
          netrc) target=/root/.netrc ;;
          known-hosts) target=/root/.ssh/known_hosts ;;
          *) target=/run/secrets/$id ;;
        esac
        printf -- '--mount=type=secret,id=%s,target=%s ' "$id" "$target"
        ;;
    esac
  done
}

# buildkit_answers: the client can build with BuildKit
buildkit_answers() {
  [[ ${DOCKER_BUILDKIT:-1} != 0 ]] || return 1
  docker buildx version >/dev/null 2>&1 && return
  # up to 22 the client brings what it needs
  local major
  major=$(docker version --format '{{.Client.Version}}' 2>/dev/null)
  ((${major%%.*} < 23))
}

# build_image OPTION...: `docker build` of the current directory, with image.args, and secrets
build_image() {
  local mounts
  project_arguments
  mounts=$(secret_mounts "$@") || exit
  if [[ -z $mounts ]]; then
    docker build "${project_arguments[@]}" "$@" .
    return
  fi
  buildkit_answers || fail '--secret and --ssh need BuildKit, which this docker does not have: install docker-buildx, or unset DOCKER_BUILDKIT if it is 0'
  local file=Dockerfile argument previous=''
  for argument in "$@"; do
    case $previous in -f | --file) file=$argument ;; esac
    case $argument in --file=*) file=${argument#*=} ;; esac
    previous=$argument
  done
  # an exec form that is JSON stays as it is
  sed "/^RUN \\[\"/!s|^RUN |RUN $mounts|" "$file" |
    DOCKER_BUILDKIT=1 docker build "${project_arguments[@]}" "$@" --file - .
}
