#!/bin/sh
# What is being built? Prints the version object of Dockerflow, for a project in any language.
#
#   version.sh        the object, as JSON:  .dockerflow/version.sh > version.json
#   version.sh env    the same facts as DOCKERFLOW_SOURCE=, _VERSION=, _COMMIT= and _BUILD=, a line each
#
# Each fact comes from the first of these that knows it: the variable DOCKERFLOW_<FACT>, the CI system (CircleCI, GitHub
# Actions, GitLab), the git repository of the current directory. What nobody knows is "". A URL loses its credentials.
# `version` is a tag, and only where that very tag is being built; the commit of a pull request is its head, not the merge that
# CI made for it. Standard error says what is unknown and why. The exit code is 2 where a DOCKERFLOW_ variable is not what it
# has to be. Needs a POSIX shell, sed and tr; git where the facts are to come from it; on GitHub jq helps.
set -eu

warn() { printf 'version.sh: %s\n' "$*" >&2; }
# is_set VARIABLE...: all of them hold something
is_set() {
  for _name in "$@"; do eval "[ -n \"\${$_name:-}\" ]" || return 1; done
}
is_hash() {
  case $1 in *[!0-9a-f]*) return 1 ;; esac
  [ ${#1} -eq 40 ] || [ ${#1} -eq 64 ]
}
lower() { printf %s "$1" | tr '[:upper:]' '[:lower:]'; }

# web_url URL: the web's form of a repository's address, as a person can open it; nothing where it has none, or where an
# @ is left that may be the end of a password.
web_url() {
  case $1 in
    http://* | https://* | ssh://* | git://* | git+ssh://*)
      # a port that is not HTTP's says nothing about where the web pages are, and one of http is not https's
      _port='s|^\([^/:]*\):[0-9]*/|\1/|' _scheme=https
      case $1 in
        https://*) _port='' ;;
        http://*:[0-9]*/*) _port='' _scheme=http ;;
      esac
      printf %s "$1" | sed -e 's|^[a-z+]*://||' -e 's|^[^/]*@||' -e 's|[?#].*||' -e "$_port" \
        -e 's|/*$||' -e 's|\.git$||' -e '/@/d' -e "s|^|$_scheme://|"
      ;;
    /* | ./* | ../* | file:* | *:\\*) ;;
    *:*) # git@host:organisation/repository.git
      printf %s "$1" | sed -e 's|^[^/:]*@||' -e 's|[?#].*||' -e 's|:/*|/|' -e 's|/*$||' -e 's|\.git$||' \
        -e '/@/d' -e 's|^|https://|'
      ;;
  esac
}
# page_url URL: the address of a page, without credentials; of query and fragment only what names a build in some CI systems
page_url() {
  case $1 in
    http://* | https://*)
      printf %s "$1" | sed -E -e 's|^([a-z]+://)[^/]*@|\1|' -e '\|#/builds/|!s|#.*||' \
        -e '/\?((buildId|project|region)=[A-Za-z0-9._~-]+&?)+(#|$)/!s|\?.*||' -e '/@/d'
      ;;
  esac
}

# the head of the pull request that a GitHub job is about: GITHUB_SHA is a merge that no branch will ever hold
github_head() {
  if command -v jq >/dev/null 2>&1 && [ -r "${GITHUB_EVENT_PATH:-}" ]; then
    _head=$(jq -r '.pull_request.head.sha // empty' "$GITHUB_EVENT_PATH" 2>/dev/null) || _head=
    if is_hash "$_head"; then
      printf %s "$_head"
      return
    fi
  fi
  # a commit names its parents also where a shallow clone does not hold them: base first, then head
  _head=$(git cat-file commit "$1" 2>/dev/null | sed -n -e '/^$/q' -e 's/^parent //p' | sed -n 2p) || _head=
  if is_hash "$_head"; then printf %s "$_head"; else printf %s "$1"; fi
}

source='' version='' commit='' build='' ci=''

if [ "${CIRCLECI:-}" = true ]; then
  ci=CircleCI
  commit=${CIRCLE_SHA1:-} version=${CIRCLE_TAG:-}
  source=$(web_url "${CIRCLE_REPOSITORY_URL:-}")
  if [ -z "$source" ] && is_set CIRCLE_PROJECT_USERNAME CIRCLE_PROJECT_REPONAME; then
    source=https://github.com/$CIRCLE_PROJECT_USERNAME/$CIRCLE_PROJECT_REPONAME
  fi
  build=$(page_url "${CIRCLE_BUILD_URL:-}")
  if [ -z "$build" ] && is_set CIRCLE_WORKFLOW_ID; then
    build=https://app.circleci.com/pipelines/workflows/$CIRCLE_WORKFLOW_ID
  fi
elif [ "${GITHUB_ACTIONS:-}" = true ]; then
  ci='GitHub Actions'
  commit=${GITHUB_SHA:-}
  case ${GITHUB_EVENT_NAME:-} in pull_request) commit=$(github_head "$commit") ;; esac
  case ${GITHUB_REF:-} in refs/tags/*) version=${GITHUB_REF#refs/tags/} ;; esac
  if is_set GITHUB_SERVER_URL GITHUB_REPOSITORY; then
    source=$(web_url "$GITHUB_SERVER_URL/$GITHUB_REPOSITORY")
    if is_set GITHUB_RUN_ID; then build=$(page_url "$GITHUB_SERVER_URL/$GITHUB_REPOSITORY/actions/runs/$GITHUB_RUN_ID"); fi
  fi
elif [ "${GITLAB_CI:-}" = true ]; then
  ci=GitLab
  # in a merged-results pipeline CI_COMMIT_SHA is a merge that no branch will ever hold
  commit=${CI_MERGE_REQUEST_SOURCE_BRANCH_SHA:-${CI_COMMIT_SHA:-}} version=${CI_COMMIT_TAG:-}
  source=$(web_url "${CI_PROJECT_URL:-}") # never CI_REPOSITORY_URL, which holds a token
  build=$(page_url "${CI_JOB_URL:-${CI_PIPELINE_URL:-}}")
fi
commit=$(lower "$commit")
if [ -n "$commit" ] && ! is_hash "$commit"; then
  warn "$ci calls the commit \"$commit\", which is no hash"
  commit=
fi

# git, where the CI system left something open. A tag is git's to say only where no CI system said that this is not a tag's build.
if [ -z "$source" ] || [ -z "$commit" ] || { [ -z "$version" ] && [ -z "$ci" ]; }; then
  if ! command -v git >/dev/null 2>&1; then
    warn 'there is no git to ask'
  elif ! reason=$(git rev-parse --git-dir 2>&1); then
    warn "git says: $(printf %s "$reason" | sed -n 1p)"
  else
    if [ -z "$source" ]; then
      remote=$(git remote get-url origin 2>/dev/null) || remote=
      source=$(web_url "$remote")
    fi
    if [ -z "$commit" ]; then
      if ! commit=$(git rev-parse --verify --quiet 'HEAD^{commit}'); then
        warn 'the repository has no commit yet'
        commit=
      elif [ -z "$version" ] && [ -z "$ci" ]; then
        if git diff --quiet --ignore-submodules=untracked HEAD -- 2>/dev/null; then
          version=$(git describe --tags --exact-match HEAD 2>/dev/null) || version=
        else
          warn "the working tree has changes that commit $commit does not hold: this is not a tag's build"
        fi
      fi
    fi
  fi
fi

# what was said outright, and has to be right
if is_set DOCKERFLOW_SOURCE; then
  source=$(web_url "$DOCKERFLOW_SOURCE")
  if [ -z "$source" ]; then
    # not shown as it is: it may hold a password
    warn 'DOCKERFLOW_SOURCE is no URL of a repository, expected for instance https://github.com/mozilla/project'
    exit 2
  fi
fi
if is_set DOCKERFLOW_COMMIT; then
  found=$commit
  commit=$(lower "$DOCKERFLOW_COMMIT")
  is_hash "$commit" || {
    warn "DOCKERFLOW_COMMIT is \"$DOCKERFLOW_COMMIT\", expected 40 or 64 hexadecimal digits"
    exit 2
  }
  if [ "$commit" != "$found" ]; then version=; fi # the tag of another commit
fi
if is_set DOCKERFLOW_VERSION; then version=$DOCKERFLOW_VERSION; fi
if is_set DOCKERFLOW_BUILD; then
  build=$(page_url "$DOCKERFLOW_BUILD")
  if [ -z "$build" ]; then
    warn 'DOCKERFLOW_BUILD is no URL, expected for instance https://ci.example/builds/1'
    exit 2
  fi
fi
if [ -z "$source" ]; then warn 'source is unknown'; fi
if [ -z "$commit" ]; then warn 'commit is unknown'; fi

plain() { printf %s "$1" | tr -d '[:cntrl:]'; }
json() { plain "$1" | sed 's/[\\"]/\\&/g'; }
case ${1:-} in
  '')
    printf '{"source":"%s","version":"%s","commit":"%s","build":"%s"}\n' \
      "$(json "$source")" "$(json "$version")" "$commit" "$(json "$build")"
    ;;
  env)
    printf 'DOCKERFLOW_SOURCE=%s\nDOCKERFLOW_VERSION=%s\nDOCKERFLOW_COMMIT=%s\nDOCKERFLOW_BUILD=%s\n' \
      "$(plain "$source")" "$(plain "$version")" "$commit" "$(plain "$build")"
    ;;
  *)
    printf 'usage: version.sh [env]\n' >&2
    exit 2
    ;;
esac
