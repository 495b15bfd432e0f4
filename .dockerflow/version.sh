#!/bin/sh
# Finds what is being built, and prints the version object of Dockerflow, for a project in any language.
#
#   version.sh        the object, as JSON:  .dockerflow/version.sh > version.json
#   version.sh env    the same facts as DOCKERFLOW_SOURCE=, _VERSION=, _COMMIT= and _BUILD=, a line each
#   version.sh tag    the tag under which this build may be published, or an empty line: the version, unless this is a CI job for a
#                     branch. If the commit of a branch has a tag, the job of that tag publishes it
#
# Each fact comes from the first of these that knows it: the variable DOCKERFLOW_<FACT>, a version.json in the current directory,
# the CI system, the git repository of the current directory. A fact that is unknown is "". version.json and the CI system only
# count if they name the commit that is checked out: a job may check out a tag, another repository or a submodule, or commit
# before it builds. The commit of a pull request is the one that was pushed, not the merge that CI made of it. `version` is a tag
# of that very commit. A working tree with changes has no commit and no tag, unless CI says so. Addresses are those of pages, and
# have no credentials. Standard error says what is unknown and why. The exit code is 2 if a DOCKERFLOW_ variable is not valid.
# Needs a POSIX shell, awk, sed and tr; and git to read a repository.
set -euf # no file names: words hold ? and *
LC_ALL=C
export LC_ALL

warn() { printf 'version.sh: %s\n' "$*" >&2; }
# Most functions below leave what they find in $found, and fail if there is nothing.

# value NAME: a variable's value without the space around it
value() {
  eval "trimmed \"\${$1:-}\""
}
# trimmed TEXT: without the space around it
trimmed() {
  found=${1#"${1%%[![:space:]]*}"}
  found=${found%"${found##*[![:space:]]}"}
  [ -n "$found" ]
}
lower() {
  found=$1
  case $1 in *[A-Z]*) found=$(printf %s "$1" | tr '[:upper:]' '[:lower:]') ;; esac
}
# hash TEXT: a commit's whole hash
hash() {
  lower "$1"
  case $found in *[!0-9a-f]*) return 1 ;; esac
  case $found in *[!0]*) ;; *) return 1 ;; esac
  [ ${#found} -eq 40 ] || [ ${#found} -eq 64 ]
}
# release TEXT: a version that is not a placeholder, and not in quotes
release() {
  case $1 in *[[:cntrl:]]* | *'$'* | *'{'* | *'}'* | '<'* | '%'* | __* | '"'*'"' | "'"*"'" | '`'*'`') return 1 ;; esac
  lower "$1"
  case $(printf %s "$found" | sed -e "s/^[]\"'\`<>()[[:space:]]*//" -e "s/[]\"'\`<>()[[:space:]]*\$//") in
    '' | - | -- | '?' | ... | changeme | dummy | empty | example | false | fixme | missing | n/a | na | nil | no | none | \
      'not available' | 'not set' | null | placeholder | replaceme | tba | tbc | tbd | todo | true | undef | undefined | unknown | \
      unset | version | xxx) return 1 ;;
  esac
  found=$1
}

# address REST: the $host, $port and $path in what follows the :// of a URL, if no part of it could be a credential
address() {
  case $1 in *[[:cntrl:]]* | *\\*) return 1 ;; esac
  _place=${1%%/*} _user='' path=''
  case $1 in */*) path=/${1#*/} ;; esac
  case $_place in *@*) _user=${_place%@*} _place=${_place##*@} ;; esac
  case $_user in *[?#]*) case $_user in *:*) ;; *) return 1 ;; esac ;; esac
  case $_place in *[?#]*) _place=${_place%%[?#]*} path='' ;; esac
  host=$_place port=''
  case $_place in
    *:) host=${_place%:} ;;
    *:*']') ;;
    *:*)
      host=${_place%:*} port=${_place##*:}
      case $port in *[!0-9]*) return 1 ;; esac
      while :; do case $port in 0?*) port=${port#0} ;; *) break ;; esac done
      case $port in ??????*) return 1 ;; esac
      [ "$port" -le 65535 ] || return 1
      ;;
  esac
  case $host in
    '['*:*']')
      _inside=${host#?} _inside=${_inside%?}
      case $_inside in *[!0-9A-Fa-f:.]* | *:::*) return 1 ;; esac
      ;;
    *) case .$host. in *..* | *.-* | *-.* | *[!A-Za-z0-9.-]*) return 1 ;; esac ;;
  esac
  case $path in *@* | *%40*) return 1 ;; esac
  path=${path%%[?#]*}
  case $path in *[\$\<\>\"\`\{\}\|^\']*) return 1 ;; esac
  case $path in *//* | *' '*) path=$(printf %s "$path" | sed -e 's|//*|/|g' -e 's| |%20|g') ;; esac
  lower "$host"
  host=$found
}
# short_form TEXT: git's user@host:path, as what follows ssh:// otherwise
short_form() {
  case $1 in
    *'['*)
      _before=${1%%'['*} _after=${1#*'['}
      case $_before in '' | *[!/:@]@) ;; *) return 1 ;; esac
      case ${_before%@} in *[/:@]*) return 1 ;; esac
      case $_after in *']:'*) ;; *) return 1 ;; esac
      found=${_after%%']:'*} _after=${_after#*']:'}
      ;;
    *:*)
      found=${1%%:*} _after=${1#*:}
      case $found in */* | *\\*) return 1 ;; esac
      case $_after in :*) return 1 ;; esac
      ;;
    *) return 1 ;;
  esac
  while :; do case $_after in /*) _after=${_after#/} ;; *) break ;; esac done
  found=$found/$_after
}
# is_public HOST: it has a name on the Internet, and is not an alias in the configuration of SSH
is_public() {
  case $1 in
    ssh.github.com | gist.github.com | altssh.gitlab.com | altssh.bitbucket.org) return 0 ;;
    *.github.com | *.gitlab.com | *.bitbucket.org | *.codeberg.org | '['*) return 1 ;;
    *.xn--*) case ${1##*.} in xn--*) return 0 ;; *) return 1 ;; esac ;;
    *[!0-9.]*) case $1 in *.*) ;; *) return 1 ;; esac ;;
    # four numbers up to 255
    *.*.*.*.* | *[3-9][0-9][0-9]* | *2[6-9][0-9]* | *25[6-9]* | *[0-9][0-9][0-9][0-9]* | *.0[0-9]* | 0[0-9]*) return 1 ;;
    *.*.*.*) return 0 ;;
    *.*) ;;
    *) return 1 ;;
  esac
  case ${1##*.} in *[!a-z]* | ?) return 1 ;; esac
}
# page SCHEME PORT: the address of the page of the repository at $host and $path
page() {
  case $host in
    ssh.github.com) host=github.com ;;
    altssh.gitlab.com) host=gitlab.com ;;
    altssh.bitbucket.org) host=bitbucket.org ;;
    ssh.dev.azure.com | vs-ssh.visualstudio.com)
      case $path in /v3/*/*/*/*) return 1 ;; /v3/*/*/*) ;; *) return 1 ;; esac
      path=${path#/v3}
      host=dev.azure.com path=${path%/*}/_git/${path##*/}
      ;;
    git-codecommit.*) return 1 ;;
  esac
  case $path in
    */scm/*/*) # Bitbucket Server
      _name=${path##*/} _before=${path%/*}
      _project=${_before##*/} _before=${_before%/*}
      case $_before in
        */scm)
          case $_project in
            '~'*) path=${_before%/scm}/users/${_project#?}/repos/$_name ;;
            *) path=${_before%/scm}/projects/$_project/repos/$_name ;;
          esac
          ;;
      esac
      ;;
    /r/a/?*) path=/r/${path#/r/a/} ;; # Gerrit asks for a password below /a/
    /a/?*) case $host in
      gerrit* | review* | *.googlesource.com) path=/${path#/a/} ;;
      *) case ${host%%.*} in *gerrit | *review) path=/${path#/a/} ;; esac ;;
    esac ;;
  esac
  found=$1://$host${2:+:$2}$path
}
# repository TEXT: the address of a repository's page, from any way in which it is named
repository() {
  case $1 in
    *://*)
      lower "${1%%://*}"
      scheme=$found
      found=${1#*://}
      ;;
    *)
      scheme=ssh
      short_form "$1" || return 1
      ;;
  esac
  address "$found" || return 1
  while :; do case $path in */) path=${path%/} ;; *) break ;; esac done
  path=${path%.git}
  case $scheme in
    https | git+https) page https "${port#443}" ;;
    http | git+http) case $port in '' | 80) page https '' ;; *) page http "$port" ;; esac ;;
    ssh | git+ssh | ssh+git | git)
      [ "$scheme" = git ] || is_public "$host" || return 1
      case $port in 7999) path=/scm$path ;; esac # Bitbucket Server
      page https ''
      ;;
    *) return 1 ;;
  esac
}
# job TEXT: the address of a build's page; of query and fragment only what identifies a build in some CI systems
job() {
  lower "${1%%://*}"
  scheme=$found
  case $1 in *://*) ;; *) return 1 ;; esac
  case $scheme in http | https) ;; *) return 1 ;; esac
  _rest=${1#*://}
  address "$_rest" || return 1
  _url=$scheme://$host${port:+:$port}$path _mark='?' _fragment='' _query=''
  case $_rest in *'#'*) _fragment=${_rest#*'#'} _rest=${_rest%%'#'*} ;; esac
  case $_rest in *'?'*) _query=${_rest#*'?'} ;; esac
  while [ -n "$_query" ]; do
    _one=${_query%%'&'*}
    case $_query in *'&'*) _query=${_query#*'&'} ;; *) _query='' ;; esac
    case $_one in
      buildId=* | project=* | region=*)
        case ${_one#*=} in
          *[!A-Za-z0-9._~-]*) ;;
          *) _url=$_url$_mark$_one _mark='&' ;;
        esac
        ;;
    esac
  done
  case $_fragment in *[!A-Za-z0-9._~:/%-]*) ;; /builds/*) _url=$_url#$_fragment ;; esac
  found=$_url
}

# json FILE KEY...: the string that the keys lead to in a JSON object
json() {
  _file=$1
  shift
  [ -f "$_file" ] && [ -r "$_file" ] || return 1
  found=$(awk -v keys="$*" '
    function space() { sub(/^[ \t\r\n]+/, "", text) }
    function eat(one) {
      space()
      if (substr(text, 1, 1) != one) return 0
      text = substr(text, 2)
      return 1
    }
    function string() {
      space()
      if (!match(text, /^"([^"\\]|\\.)*"/)) { broken = 1; return "" }
      result = substr(text, 2, RLENGTH - 2)
      text = substr(text, RLENGTH + 1)
      return result
    }
    function skip(  depth, one) {
      depth = 0
      do {
        space()
        one = substr(text, 1, 1)
        if (one == "") return 0
        else if (one == "\"") { string(); if (broken) return 0 }
        else if (one == "{" || one == "[") { depth++; text = substr(text, 2) }
        else if (one == "}" || one == "]") { if (!depth) return 0; depth--; text = substr(text, 2) }
        else if (one == "," || one == ":") text = substr(text, 2)
        else if (match(text, /[],:{}[" \t\r\n]/)) text = substr(text, RSTART)
        else return 0
      } while (depth)
      return 1
    }
    function enter(name,  found) {
      if (!eat("{")) return 0
      while (1) {
        found = string()
        if (broken || !eat(":")) return 0
        if (found == name) return 1
        if (!skip() || !eat(",")) return 0
      }
    }
    { text = text $0 "\n" }
    END {
      sub(/^\357\273\277/, "", text)
      whole = text
      space()
      if (substr(text, 1, 1) != "{" || !skip()) exit
      space()
      if (text != "") exit
      text = whole
      count = split(keys, key, " ")
      for (number = 1; number <= count; number++) if (!enter(key[number])) exit
      found = string()
      if (broken) exit
      while (match(found, /\\/)) {
        decoded = decoded substr(found, 1, RSTART - 1)
        one = substr(found, RSTART + 1, 1)
        found = substr(found, RSTART + 2)
        if (one == "n" || one == "r" || one == "t") one = "\n" # no fact has any of them, but at its ends
        else if (one == "u") {
          high = index("0123456789abcdef", tolower(substr(found, 3, 1))) - 1
          low = index("0123456789abcdef", tolower(substr(found, 4, 1))) - 1
          if (substr(found, 1, 2) != "00" || high < 2 || high > 7 || low < 0) exit # not a letter, digit or sign of ASCII
          one = sprintf("%c", 16 * high + low)
          found = substr(found, 5)
        } else if (one != "\"" && one != "\\" && one != "/") exit
        decoded = decoded one
      }
      print decoded found
    }' "$_file") || return 1
  trimmed "$found"
}

# fill FORM: a form of the table below with the values of its variables, if all are set
fill() {
  _filled='' _form=$1
  while :; do
    case $_form in *'$'*) ;; *) break ;; esac
    _filled=$_filled${_form%%'$'*} _form=${_form#*'$'} _start=''
    case $_form in
      '{'*)
        _name=${_form#?} _name=${_name%%'}'*} _form=${_form#*'}'}
        _start=${_name#*'#'} _name=${_name%%'#'*}
        ;;
      *) _name=${_form%%[!A-Za-z0-9_]*} _form=${_form#"${_form%%[!A-Za-z0-9_]*}"} ;;
    esac
    value "$_name" || return 1
    case $found in "$_start"*) found=${found#"$_start"} ;; *) return 1 ;; esac
    # a whole URL is not a part of one
    case $_filled:$found in :*) ;; *://*://*) return 1 ;; esac
    _filled=$_filled$found
  done
  found=$_filled$_form
  [ -n "$found" ]
}
# first KIND FORM...: the first of the forms that can be filled in and is a valid repository, job, hash or release
first() {
  _kind=$1
  shift
  for _alternative in "$@"; do
    if fill "$_alternative" && "$_kind" "$found"; then return 0; fi
  done
  found=''
}
# is_here MARK...: one of the marks of a CI system is set: NAME (not false), NAME=value, or ONE+OTHER
is_here() {
  for _marks in "$@"; do
    _all=true
    while [ -n "$_marks" ]; do
      _mark=${_marks%%+*}
      case $_marks in *+*) _marks=${_marks#*+} ;; *) _marks='' ;; esac
      value "${_mark%%=*}" || { _all=false; break; }
      lower "$found"
      case $_mark in
        *=*) [ "$found" = "${_mark#*=}" ] || _all=false ;;
        *) [ "$found" != false ] || _all=false ;;
      esac
    done
    if "$_all"; then return 0; fi
  done
  return 1
}

# The CI systems: name, marks, commit, marks of a pull request, merge made of that, tag, source, build. Of each, the first form
# that can be filled in counts; ${NAME#start} is what follows `start` in a variable that begins so. The first system that is
# there counts. The table is that of dockerflow-build-facts, which writes it: UPDATE_EXPECT=1 cargo test -p dockerflow-build-facts
ci='' ci_commit='' ci_merge='' ci_tag='' ci_source='' ci_build='' is_pull=false is_merge=false
while IFS='|' read -r name marks commits pulls merges tags sources builds; do
  # shellcheck disable=SC2086 # words
  is_here $marks || continue
  ci=$name
  # shellcheck disable=SC2086
  {
    for pull in $pulls; do
      if fill "$pull"; then
        lower "$found"
        case $found in false | 0 | none) ;; *) is_pull=true ;; esac
      fi
    done
    if "$is_pull"; then first hash $merges && ci_merge=$found; fi
    first hash $commits && ci_commit=$found
    first release $tags && ci_tag=$found
    first repository $sources && ci_source=$found
    first job $builds && ci_build=$found
  }
  # GITHUB_SHA is a merge that no branch will ever hold: only the event's file names the commit that was pushed
  case $ci:${GITHUB_REF:-} in
    'GitHub Actions:refs/pull/'*)
      if json "${GITHUB_EVENT_PATH:-}" pull_request head sha && hash "$found"; then
        ci_commit=$found
      else
        case $GITHUB_REF in */merge) is_merge=true ;; esac
      fi
      ;;
  esac
  break
done <<'SYSTEMS'
CircleCI|CIRCLECI|$CIRCLE_SHA1|$CIRCLE_PULL_REQUEST||$CIRCLE_TAG|$CIRCLE_REPOSITORY_URL https://github.com/$CIRCLE_PROJECT_USERNAME/$CIRCLE_PROJECT_REPONAME|$CIRCLE_BUILD_URL https://app.circleci.com/pipelines/workflows/$CIRCLE_WORKFLOW_ID
GitHub Actions|GITHUB_ACTIONS GITEA_ACTIONS FORGEJO_ACTIONS|$GITHUB_SHA|${GITHUB_REF#refs/pull/}|$GITHUB_SHA|${GITHUB_REF#refs/tags/} ${GITHUB_REF_TYPE#tag}$GITHUB_REF_NAME|$GITHUB_SERVER_URL/$GITHUB_REPOSITORY|$GITHUB_SERVER_URL/$GITHUB_REPOSITORY/actions/runs/$GITHUB_RUN_ID
GitLab CI|GITLAB_CI|$CI_MERGE_REQUEST_SOURCE_BRANCH_SHA $CI_COMMIT_SHA|$CI_MERGE_REQUEST_IID|$CI_COMMIT_SHA|$CI_COMMIT_TAG|$CI_PROJECT_URL|$CI_JOB_URL $CI_PIPELINE_URL
Buildkite|BUILDKITE|$BUILDKITE_COMMIT|$BUILDKITE_PULL_REQUEST||$BUILDKITE_TAG|$BUILDKITE_REPO|$BUILDKITE_BUILD_URL
Jenkins|JENKINS_URL|$ghprbActualCommit $GIT_COMMIT|$CHANGE_ID $ghprbPullId||$TAG_NAME|$GIT_URL $GIT_URL_1|$BUILD_URL $RUN_DISPLAY_URL
Travis CI|TRAVIS|$TRAVIS_PULL_REQUEST_SHA $TRAVIS_COMMIT|$TRAVIS_PULL_REQUEST|$TRAVIS_COMMIT|$TRAVIS_TAG|https://github.com/$TRAVIS_REPO_SLUG|$TRAVIS_BUILD_WEB_URL $TRAVIS_JOB_WEB_URL
Azure Pipelines|TF_BUILD|$SYSTEM_PULLREQUEST_SOURCECOMMITID $BUILD_SOURCEVERSION|$SYSTEM_PULLREQUEST_PULLREQUESTID $SYSTEM_PULLREQUEST_SOURCECOMMITID|$BUILD_SOURCEVERSION|${BUILD_SOURCEBRANCH#refs/tags/}|$BUILD_REPOSITORY_URI|$SYSTEM_TEAMFOUNDATIONSERVERURI/$SYSTEM_TEAMPROJECT/_build/results?buildId=$BUILD_BUILDID $SYSTEM_TEAMFOUNDATIONCOLLECTIONURI/$SYSTEM_TEAMPROJECT/_build/results?buildId=$BUILD_BUILDID
Bitbucket Pipelines|BITBUCKET_BUILD_NUMBER|$BITBUCKET_COMMIT|$BITBUCKET_PR_ID||$BITBUCKET_TAG|$BITBUCKET_GIT_HTTP_ORIGIN $BITBUCKET_GIT_SSH_ORIGIN|https://bitbucket.org/$BITBUCKET_REPO_FULL_NAME/pipelines/results/$BITBUCKET_BUILD_NUMBER
Drone|DRONE|$DRONE_COMMIT_SHA $DRONE_COMMIT|$DRONE_PULL_REQUEST||$DRONE_TAG|$DRONE_REPO_LINK $DRONE_GIT_HTTP_URL|$DRONE_BUILD_LINK
Woodpecker|CI=woodpecker|$CI_COMMIT_SHA|$CI_COMMIT_PULL_REQUEST||$CI_COMMIT_TAG|$CI_REPO_URL|$CI_PIPELINE_URL
TeamCity|TEAMCITY_VERSION|$BUILD_VCS_NUMBER|||||$BUILD_URL
AWS CodeBuild|CODEBUILD_BUILD_ARN CODEBUILD_BUILD_ID|$CODEBUILD_RESOLVED_SOURCE_VERSION|${CODEBUILD_WEBHOOK_TRIGGER#pr/}||${CODEBUILD_WEBHOOK_TRIGGER#tag/} ${CODEBUILD_WEBHOOK_HEAD_REF#refs/tags/}|$CODEBUILD_SOURCE_REPO_URL|$CODEBUILD_PUBLIC_BUILD_URL https://console.aws.amazon.com/codebuild/home?region=$AWS_REGION#/builds/$CODEBUILD_BUILD_ID/view/new
Google Cloud Build|BUILDER_OUTPUT|$COMMIT_SHA $REVISION_ID|$_PR_NUMBER||$TAG_NAME||https://console.cloud.google.com/cloud-build/builds;region=$LOCATION/$BUILD_ID?project=$PROJECT_ID
Taskcluster|TASK_ID+RUN_ID|$GECKO_HEAD_REV $VCS_HEAD_REV|$GITHUB_PULL_REQUEST||$GECKO_HEAD_TAG $VCS_HEAD_TAG|$GECKO_HEAD_REPOSITORY $VCS_HEAD_REPOSITORY|$TASKCLUSTER_ROOT_URL/tasks/$TASK_ID/runs/$RUN_ID
AppVeyor|APPVEYOR|$APPVEYOR_PULL_REQUEST_HEAD_COMMIT $APPVEYOR_REPO_COMMIT|$APPVEYOR_PULL_REQUEST_NUMBER||$APPVEYOR_REPO_TAG_NAME|${APPVEYOR_REPO_PROVIDER#github}https://github.com/$APPVEYOR_REPO_NAME ${APPVEYOR_REPO_PROVIDER#gitHub}https://github.com/$APPVEYOR_REPO_NAME|$APPVEYOR_URL/project/$APPVEYOR_ACCOUNT_NAME/$APPVEYOR_PROJECT_SLUG/builds/$APPVEYOR_BUILD_ID
Semaphore|SEMAPHORE|$SEMAPHORE_GIT_PR_SHA $SEMAPHORE_GIT_SHA|$SEMAPHORE_GIT_PR_NUMBER|$SEMAPHORE_GIT_SHA|$SEMAPHORE_GIT_TAG_NAME|$SEMAPHORE_GIT_URL|$SEMAPHORE_ORGANIZATION_URL/workflows/$SEMAPHORE_WORKFLOW_ID
Cirrus CI|CIRRUS_CI|$CIRRUS_CHANGE_IN_REPO|$CIRRUS_PR||$CIRRUS_TAG|$CIRRUS_REPO_CLONE_URL|https://cirrus-ci.com/build/$CIRRUS_BUILD_ID
Bitrise|BITRISE_BUILD_SLUG|$BITRISE_GIT_COMMIT $GIT_CLONE_COMMIT_HASH|$BITRISE_PULL_REQUEST||$BITRISE_GIT_TAG|$GIT_REPOSITORY_URL|$BITRISE_BUILD_URL
Codefresh|CF_BUILD_ID|$CF_REVISION|$CF_PULL_REQUEST_NUMBER||||$CF_BUILD_URL
Buddy|BUDDY_EXECUTION_ID|$BUDDY_EXECUTION_REVISION|$BUDDY_EXECUTION_PULL_REQUEST_NO $BUDDY_RUN_PR_NO||$BUDDY_EXECUTION_TAG|$BUDDY_SCM_URL|$BUDDY_EXECUTION_URL
Codeship|CI_NAME=codeship|$CI_COMMIT_ID|$CI_PR_NUMBER||||$CI_BUILD_URL
Bamboo|bamboo_planKey|$bamboo_planRepository_1_revision $bamboo_planRepository_revision|$bamboo_repository_pr_key|||$bamboo_planRepository_1_repositoryUrl|$bamboo_buildResultsUrl $bamboo_resultsUrl
Vela|VELA|$VELA_BUILD_COMMIT|$VELA_BUILD_PULL_REQUEST $VELA_PULL_REQUEST||$VELA_BUILD_TAG|$VELA_REPO_LINK|$VELA_BUILD_LINK
Screwdriver|SCREWDRIVER|$SD_BUILD_SHA $GIT_COMMIT|$SD_PULL_REQUEST|||$SCM_URL|$SD_UI_BUILD_URL
Vercel|VERCEL|$VERCEL_GIT_COMMIT_SHA|$VERCEL_GIT_PULL_REQUEST_ID|||${VERCEL_GIT_PROVIDER#github}https://github.com/$VERCEL_GIT_REPO_OWNER/$VERCEL_GIT_REPO_SLUG ${VERCEL_GIT_PROVIDER#gitlab}https://gitlab.com/$VERCEL_GIT_REPO_OWNER/$VERCEL_GIT_REPO_SLUG ${VERCEL_GIT_PROVIDER#bitbucket}https://bitbucket.org/$VERCEL_GIT_REPO_OWNER/$VERCEL_GIT_REPO_SLUG|
Netlify|NETLIFY|$COMMIT_REF|$PULL_REQUEST|||$REPOSITORY_URL|https://app.netlify.com/sites/$SITE_NAME/deploys/$DEPLOY_ID
Cloudflare Pages|CF_PAGES|$CF_PAGES_COMMIT_SHA|||||
Render|RENDER|$RENDER_GIT_COMMIT|$IS_PULL_REQUEST||||
Prow|PROW_JOB_ID|$PULL_PULL_SHA $PULL_BASE_SHA|$PULL_NUMBER|||https://github.com/$REPO_OWNER/$REPO_NAME|
GoCD|GO_PIPELINE_NAME|$GO_REVISION|||||$GO_SERVER_URL/pipelines/$GO_PIPELINE_NAME/$GO_PIPELINE_COUNTER/$GO_STAGE_NAME/$GO_STAGE_COUNTER
sourcehut|CI_NAME=sourcehut||||||$JOB_URL
Heroku|HEROKU_TEST_RUN_ID HEROKU_BUILD_COMMIT SOURCE_VERSION|$SOURCE_VERSION $HEROKU_TEST_RUN_COMMIT_VERSION $HEROKU_BUILD_COMMIT|||||
SYSTEMS
if [ -n "$ci" ] && [ -z "$ci_commit" ]; then warn "$ci does not name a commit by its whole hash"; fi

# What git says. It must not refuse because the folder belongs to another user: nothing of the repository is run. What `git replace`
# puts in place of a commit is not that commit.
ask_git() { git --no-replace-objects -c safe.directory='*' -c core.fsmonitor=false "$@"; }
has_repository=false head='' parents=''
if ! command -v git >/dev/null 2>&1; then
  warn 'there is no git program'
  # The repository without a git program: enough to see whether CI's variables are about it.
  top=$PWD
  while [ -n "$top" ] && ! [ -e "$top/.git" ]; do top=${top%/*}; done
  if [ -e "$top/.git" ]; then
    has_repository=true own=$top/.git
    # line FILE: its first line in $found
    line() { found=''; { IFS= read -r found <"$1" || [ -n "$found" ]; } 2>/dev/null || :; }
    if [ -f "$own" ]; then # a linked worktree or a submodule
      line "$own"
      found=${found#gitdir: }
      case $found in /*) own=$found ;; *) own=$top/$found ;; esac
    fi
    line "$own/commondir"
    case $found in '') common=$own ;; /*) common=$found ;; *) common=$own/$found ;; esac
    line "$own/HEAD"
    case $found in
      ref:*)
        name=${found#ref:}
        name=${name#"${name%%[! ]*}"}
        line "$common/$name"
        if [ -z "$found" ]; then found=$(awk -v name="$name" '$2 == name { print $1 }' "$common/packed-refs" 2>/dev/null) || found=''; fi
        ;;
    esac
    if hash "$found"; then head=$found; fi
  fi
elif ! reason=$(ask_git rev-parse --git-dir 2>&1); then
  warn "git says: $(printf %s "$reason" | sed -n 1p)"
else
  has_repository=true
  if head=$(ask_git rev-parse --verify --quiet 'HEAD^{commit}'); then
    # a commit names its parents also if a shallow clone does not hold them
    parents=$(ask_git cat-file commit "$head" | sed -n -e '/^$/q' -e 's/^parent //p')
  else
    warn 'the repository has no commit yet'
    head=''
  fi
fi

# What counts: it is about the commit that is checked out, or the throw-away merge of a pull request's commit is.
is_about=true
if "$has_repository" && [ -n "$ci" ]; then
  newline='
'
  is_about=false
  if [ -n "$head" ] && [ "$ci_commit" = "$head" ]; then
    is_about=true
    if "$is_merge"; then
      case $parents in
        *"$newline"*"$newline"*) ;;
        *"$newline"*) ci_commit=${parents#*"$newline"} ;;
      esac
    fi
  elif [ -n "$head" ] && [ -n "$ci_commit" ] && "$is_pull" && [ "${ci_merge:-$head}" = "$head" ]; then
    case $newline$parents$newline in
      *"$newline$ci_commit$newline"*) case $parents in *"$newline"*) is_about=true ;; esac ;;
    esac
  fi
fi
if ! "$is_about"; then
  if [ -n "$ci_commit" ] && [ -n "$head" ]; then
    warn "$ci is about commit $ci_commit, but $head is checked out: only its build counts"
  fi
  ci_commit='' ci_tag='' ci_source=''
fi
file_source='' file_version='' file_commit='' file_build=''
if [ -s version.json ]; then
  set_commit=''
  if value DOCKERFLOW_COMMIT && hash "$found"; then set_commit=$found; fi
  if "$has_repository"; then set_commit=${set_commit:-${head:-none}}; fi
  if json version.json commit && hash "$found"; then
    if [ "$found" = "${set_commit:-$found}" ]; then
      file_commit=$found
      if json version.json source && repository "$found"; then file_source=$found; fi
      if json version.json version && release "$found"; then file_version=$found; fi
      if json version.json build && job "$found"; then file_build=$found; fi
    else
      warn "version.json is about commit $found, which is not what is built: it does not count"
    fi
  else
    warn 'version.json has no commit: it does not count'
  fi
fi
if [ -n "$file_commit" ] && [ -n "$ci_commit" ] && [ "$file_commit" != "$ci_commit" ]; then ci_source=''; fi

# The working tree of a developer may hold more than its commit.
is_clean=true
if [ -n "$head" ] && [ -z "$file_commit$ci_commit" ]; then
  if ! changes=$(git status --porcelain 2>/dev/null); then
    if command -v git >/dev/null 2>&1; then warn 'git does not say whether the working tree has changes'; fi
  else
    changes=$(printf '%s\n' "$changes" | sed -e '/^?? version\.json$/d' -e '/^$/d')
    if [ -n "$changes" ]; then
      is_clean=false
      warn "the working tree has changes that commit $head does not hold, such as $(printf %s "$changes" | sed -n '1s/^...//p'): it has no commit and no tag"
    fi
  fi
fi
git_commit=''
if "$is_clean"; then git_commit=$head; fi

source='' version='' commit=${file_commit:-${ci_commit:-$git_commit}} build=${file_build:-$ci_build}

# What is set outright has to be valid. It is not shown if it may hold a password.
if value DOCKERFLOW_COMMIT; then
  hash "$found" || {
    value DOCKERFLOW_COMMIT
    warn "DOCKERFLOW_COMMIT is \"$found\", expected 40 or 64 hexadecimal digits"
    exit 2
  }
  commit=$found
fi
if value DOCKERFLOW_SOURCE; then
  repository "$found" || {
    warn 'DOCKERFLOW_SOURCE is not the URL of a repository without credentials, expected for instance https://github.com/mozilla/project'
    exit 2
  }
  source=$found
fi
if value DOCKERFLOW_VERSION; then
  release "$found" || {
    value DOCKERFLOW_VERSION
    warn "DOCKERFLOW_VERSION is \"$found\", expected a version, such as v1.2.3"
    exit 2
  }
  version=$found
fi
if value DOCKERFLOW_BUILD; then
  job "$found" || {
    warn 'DOCKERFLOW_BUILD is not a URL without credentials, expected for instance https://ci.example/builds/1'
    exit 2
  }
  build=$found
fi

# manifest KEY: the text of a key in [package] or [workspace.package] of Cargo.toml
manifest() { sed -n -e '/^\[\(workspace\.\)\{0,1\}package\]/,/^\[[^p]/s/^'"$1"' *= *"\([^"]*\)".*/\1/p' Cargo.toml 2>/dev/null | sed -n 1p; }
# tag: the tag of the commit that is checked out. Of several: one that ends in the version of Cargo.toml, if there are two the one
# that begins with the package's name; else a version such as v1.10.0, the highest; else an annotated one; else one with a version in
# it, the highest; else the last by name.
tag() {
  ask_git for-each-ref --points-at="$head" --format='%(objecttype) %(refname:strip=2)' refs/tags |
    awk -v package="$(manifest name)" -v version="$(manifest version)" '
    # compare(A, B): below, equal to or above zero, as the texts or the numbers are
    function compare(a, b) { return a "" < b "" ? -1 : a "" > b "" }
    function is_number(text) { return text ~ /^[0-9]+$/ }
    # numbers of any length
    function compare_numbers(a, b) {
      sub(/^0+/, "", a)
      sub(/^0+/, "", b)
      return length(a) != length(b) ? length(a) - length(b) : compare(a, b)
    }
    # compare_parts(A, B): parts between dots; numbers are below words
    function compare_parts(a, b,  as, bs, count, number, result) {
      as = split(a, left, ".")
      bs = split(b, right, ".")
      count = as < bs ? as : bs
      for (number = 1; number <= count; number++) {
        result = is_number(left[number]) != is_number(right[number]) ? is_number(right[number]) - is_number(left[number]) : \
          is_number(left[number]) ? compare_numbers(left[number], right[number]) : compare(left[number], right[number])
        if (result) return result
      }
      return as - bs
    }
    # compare_versions(A, B): in the order of semantic versions; what is not a version is the lowest
    function compare_versions(a, b,  a_pre, b_pre, as, bs, count, number, result) {
      sub(/\+.*/, "", a)
      sub(/\+.*/, "", b)
      a_pre = b_pre = ""
      if (number = index(a, "-")) { a_pre = substr(a, number + 1); a = substr(a, 1, number - 1) }
      if (number = index(b, "-")) { b_pre = substr(b, number + 1); b = substr(b, 1, number - 1) }
      as = split(a, left, ".")
      bs = split(b, right, ".")
      count = as > bs ? as : bs
      if ((as > 0) != (bs > 0)) return as - bs
      for (number = 1; number <= count; number++) {
        result = compare_numbers(number > as ? "0" : left[number], number > bs ? "0" : right[number])
        if (result) return result
      }
      if ((a_pre == "") != (b_pre == "")) return a_pre == "" ? 1 : -1
      if (a_pre != "" && (result = compare_parts(a_pre, b_pre))) return result
      return as - bs
    }
    # a version, or ""
    function parsed(text) { return text ~ /^[0-9]+(\.[0-9]+)*([-+].*)?$/ ? text : "" }
    {
      name = substr($0, length($1) + 2)
      before = length(name) - length(version)
      ends = version != "" && before >= 0 && substr(name, before + 1) == version && substr(name, before, before > 0) !~ /[.0-9]/
      bare = name
      sub(/^[vV]/, "", bare)
      bare = parsed(bare)
      plain = bare == "" ? 0 : bare ~ /^[0-9]+\./ ? 2 : 1
      of_package = ends && package != "" && index(name, package) == 1
      annotated = $1 == "tag" && !plain
      if (bare == "" && match(name, /[0-9]/)) bare = parsed(substr(name, RSTART))
      if (best == "" || (order = ends - best_ends) > 0 || (!order && (order = plain - best_plain) > 0) || \
        (!order && (order = of_package - best_of_package) > 0) || (!order && (order = annotated - best_annotated) > 0) || \
        (!order && (order = compare_versions(bare, best_bare)) > 0) || (!order && compare(name, best) > 0)) {
        best = name; best_ends = ends; best_plain = plain; best_of_package = of_package; best_annotated = annotated; best_bare = bare
      }
    }
    END { if (best != "") print best }'
}
# A tag is only that of its own commit.
version=${version:-$file_version}
if [ -z "$version" ] && [ "$ci_commit" = "$commit" ]; then version=$ci_tag; fi
published=$version
if command -v git >/dev/null 2>&1 && "$has_repository"; then
  if [ -z "$version" ] && [ -n "$head" ] && [ "$head" = "$commit" ] && "$is_clean"; then
    version=$(tag)
    # In a job for a tag, a system that names tags has named this one.
    if [ -z "$ci_commit" ] || [ -z "$tags" ]; then published=$version; fi
  fi
  source=${source:-${file_source:-$ci_source}}
  if [ -z "$source" ]; then
    # the first one, as git has it; an empty one makes it forget those before. The user's own configuration does not count.
    found=$(ask_git config --local --no-includes --get-all remote.origin.url | awk '$0 == "" { url = "" } url == "" { url = $0 } END { print url }')
    if repository "$found"; then source=$found; fi
  fi
fi
source=${source:-${file_source:-$ci_source}}
if [ -z "$source" ]; then warn 'source is unknown'; fi
if [ -z "$commit" ]; then warn 'commit is unknown'; fi

plain() { printf %s "$1" | tr -d '[:cntrl:]'; }
escaped() { plain "$1" | sed 's/[\\"]/\\&/g'; }
case ${1:-} in
  '')
    printf '{"source":"%s","version":"%s","commit":"%s","build":"%s"}\n' \
      "$(escaped "$source")" "$(escaped "$version")" "$commit" "$(escaped "$build")"
    ;;
  env)
    printf 'DOCKERFLOW_SOURCE=%s\nDOCKERFLOW_VERSION=%s\nDOCKERFLOW_COMMIT=%s\nDOCKERFLOW_BUILD=%s\n' \
      "$(plain "$source")" "$(plain "$version")" "$commit" "$(plain "$build")"
    ;;
  tag) printf '%s\n' "$(plain "$published")" ;;
  *)
    printf 'usage: version.sh [env | tag]\n' >&2
    exit 2
    ;;
esac
