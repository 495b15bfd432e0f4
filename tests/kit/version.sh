#!/usr/bin/env bash
# What does .dockerflow/version.sh say in each situation that a build is found in? Prints TAP.
set -euo pipefail
kit=$(cd "$(dirname "$0")/../../.dockerflow" && pwd)
# shellcheck source=tests/kit/tap.sh
. "$(dirname "$0")/tap.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The shells that it has to work in: each test runs in all of them.
shells=()
for shell in dash 'bash --posix' 'busybox sh'; do
  command -v "${shell%% *}" >/dev/null && shells+=("$shell")
done

# says NAME=VALUE...: what version.sh prints in the current directory with this environment and no other, the same in all shells
says() {
  local shell first='' said
  for shell in "${shells[@]}"; do
    # shellcheck disable=SC2086 # the shell and its options
    said=$(env -i PATH="${tools:-$PATH}" HOME="$work" GIT_CONFIG_NOSYSTEM=1 "$@" $shell "$kit/version.sh" 2>"$work/stderr") ||
      said="exit code $?"
    [[ -z $first || $said == "$first" ]] || { echo "$shell differs: $said"; return; }
    first=$said
  done
  echo "$first"
}
warned() { holds "$(<"$work/stderr")" "$1"; }
object() { printf '{"source":"%s","version":"%s","commit":"%s","build":"%s"}' "$@"; }

cat >"$work/.gitconfig" <<'END'
[user]
  name = T
  email = t@example.org
[init]
  defaultBranch = main
END
git() { HOME=$work GIT_CONFIG_NOSYSTEM=1 command git "$@"; }

mkdir "$work/project" && cd "$work/project"
git init -q
git remote add origin git@github.com:mozilla/project.git
is 'a repository without a commit' "$(says)" "$(object https://github.com/mozilla/project '' '' '')"
ok '... and it says so' warned 'no commit yet'
echo 1 >file && git add file && git commit -qm one
head=$(git rev-parse HEAD)
is 'a checkout' "$(says)" "$(object https://github.com/mozilla/project '' "$head" '')"
is '... from a folder inside it' "$(mkdir -p inner && cd inner && says)" "$(object https://github.com/mozilla/project '' "$head" '')"
git tag v1.2.3
is 'a tag at HEAD' "$(says)" "$(object https://github.com/mozilla/project v1.2.3 "$head" '')"
# published NAME=VALUE...: the tag under which the build may be published
published() { env -i PATH="$PATH" HOME="$work" GIT_CONFIG_NOSYSTEM=1 "$@" "$kit/version.sh" tag 2>/dev/null; }
is '... under which it is published' "$(published)" v1.2.3
is '... but not by a job for a branch' "$(published CIRCLECI=true CIRCLE_SHA1="$head" CIRCLE_BRANCH=main)" ''
is '... though its version is that' "$(says CIRCLECI=true CIRCLE_SHA1="$head" CIRCLE_BRANCH=main)" \
  "$(object https://github.com/mozilla/project v1.2.3 "$head" '')"
is '... by the job for the tag' "$(published CIRCLECI=true CIRCLE_SHA1="$head" CIRCLE_TAG=v1.2.3)" v1.2.3
is '... by a job on a system that names no tags' "$(published TEAMCITY_VERSION=1 BUILD_VCS_NUMBER="$head")" v1.2.3
is '... by a job for another commit, which has checked out the tag' \
  "$(published CIRCLECI=true CIRCLE_SHA1=5f1e2d3c4b5a69788796a5b4c3d2e1f001234567 CIRCLE_BRANCH=main)" v1.2.3
is '... by a job for a branch with DOCKERFLOW_VERSION' "$(published CIRCLECI=true CIRCLE_SHA1="$head" DOCKERFLOW_VERSION=v1.2.3)" v1.2.3
git worktree add -q "$work/worktree" 2>/dev/null
is 'a linked worktree' "$(cd "$work/worktree" && says)" "$(object https://github.com/mozilla/project v1.2.3 "$head" '')"
echo new >untracked
is 'a tree with a file that git does not know is neither the commit nor the tag' "$(says)" "$(object https://github.com/mozilla/project '' '' '')"
ok '... and it says so' warned 'has changes that commit'
ok '... with the name of the file' warned 'untracked'
rm untracked && echo '{}' >version.json
is 'its own output changes nothing' "$(says)" "$(object https://github.com/mozilla/project v1.2.3 "$head" '')"
rm version.json && echo 2 >file
is 'a dirty tree is neither the commit nor the tag' "$(says)" "$(object https://github.com/mozilla/project '' '' '')"
ok '... and it says so' warned 'has changes that commit'
git add file
is 'changes in the index are dirt, too' "$(says)" "$(object https://github.com/mozilla/project '' '' '')"
git commit -qm two
second=$(git rev-parse HEAD)
is 'a commit after the tag is not the tag' "$(says)" "$(object https://github.com/mozilla/project '' "$second" '')"

git clone -q --depth 1 "file://$work/project" "$work/shallow"
is 'a shallow clone has its commit; a path of this machine is not a source' "$(cd "$work/shallow" && says)" "$(object '' '' "$second" '')"
git tag v2 && git clone -q --depth 1 --branch v2 "file://$work/project" "$work/shallow-tag" 2>/dev/null
is 'a shallow clone of a tag' "$(cd "$work/shallow-tag" && says)" "$(object '' v2 "$second" '')"

mkdir "$work/plain" && cd "$work/plain"
is 'no repository: nothing is known' "$(says)" "$(object '' '' '' '')"
ok '... and it says what git said' warned 'not a git repository'
ok '... and what is missing' warned 'commit is unknown'
mkdir "$work/tools"
for tool in awk sed tr env dash bash busybox; do
  if path=$(command -v "$tool"); then ln -s "$path" "$work/tools/$tool"; fi
done
is 'no git on the PATH' "$(cd "$work/plain" && tools=$work/tools says)" "$(object '' '' '' '')"
ok '... and it says so' warned 'no git program'
is 'no git and no repository, in CI' \
  "$(tools=$work/tools says GITHUB_ACTIONS=true GITHUB_SHA="$head" GITHUB_SERVER_URL=https://github.com GITHUB_REPOSITORY=o/r)" \
  "$(object https://github.com/o/r '' "$head" '')"
# Without a git program, CI's variables still count only for their own commit.
git -C "$work/project" -c protocol.file.allow=always submodule --quiet add "file://$work/shallow-tag" submodule
mkdir -p "$work/project/inner"
for folder in project project/inner worktree project/submodule; do
  checked_out=$(git -C "$work/$folder" rev-parse HEAD)
  for packed in '' ', packed'; do
    is "no git, in $folder$packed, in a CI job for another commit" \
      "$(cd "$work/$folder" && tools=$work/tools says CIRCLECI=true CIRCLE_SHA1=5f1e2d3c4b5a69788796a5b4c3d2e1f001234567 CIRCLE_TAG=v9 CIRCLE_REPOSITORY_URL=git@github.com:o/r.git)" \
      "$(object '' '' "$checked_out" '')"
    is "... for this one$packed" "$(cd "$work/$folder" && tools=$work/tools says CIRCLECI=true CIRCLE_SHA1="$checked_out" CIRCLE_TAG=v9)" \
      "$(object '' v9 "$checked_out" '')"
    git -C "$work/$folder" pack-refs --all
  done
done
git -C "$work/project" reset -q --hard 2>/dev/null && rm -rf "$work/project/submodule" "$work/project/.git/modules" "$work/project/.gitmodules"
git init -q --object-format=sha256 "$work/sha256"
cd "$work/sha256" && git commit -q --allow-empty -m one
is 'a SHA-256 repository' "$(says)" "$(object '' '' "$(git rev-parse HEAD)" '')"

cd "$work/project" && echo 3 >file && git commit -qam three
head=$(git rev-parse HEAD)
circle=(CIRCLECI=true CIRCLE_SHA1="$head" CIRCLE_BUILD_URL=https://circleci.com/gh/mozilla/project/7)
is 'CircleCI' "$(says "${circle[@]}" CIRCLE_REPOSITORY_URL=git@github.com:mozilla/project.git)" \
  "$(object https://github.com/mozilla/project '' "$head" https://circleci.com/gh/mozilla/project/7)"
is 'CircleCI, a tag' "$(says "${circle[@]}" CIRCLE_TAG=v3)" "$(object https://github.com/mozilla/project v3 "$head" https://circleci.com/gh/mozilla/project/7)"
is 'CircleCI without a repository URL' \
  "$(cd "$work/plain" && says "${circle[@]}" CIRCLE_PROJECT_USERNAME=mozilla CIRCLE_PROJECT_REPONAME=other)" \
  "$(object https://github.com/mozilla/other '' "$head" https://circleci.com/gh/mozilla/project/7)"
is "a job that checks out a tag has the tag's commit, and warns" "$(git checkout -q v1.2.3 2>/dev/null; says "${circle[@]}")" \
  "$(object https://github.com/mozilla/project v1.2.3 "$(git rev-parse v1.2.3)" https://circleci.com/gh/mozilla/project/7)"
ok '... and it says so' warned 'CircleCI is about commit'
git checkout -q main
is 'without git on the PATH, too, CI counts only for what is checked out' "$(tools=$work/tools says "${circle[@]}" CIRCLE_SHA1="$second")" \
  "$(object '' '' "$head" https://circleci.com/gh/mozilla/project/7)"
is '... and does if it is that' "$(tools=$work/tools says "${circle[@]}")" \
  "$(object '' '' "$head" https://circleci.com/gh/mozilla/project/7)"
is 'CI says what it builds, whatever the job wrote into the tree' "$(echo 4 >generated; says "${circle[@]}"; rm generated)" \
  "$(object https://github.com/mozilla/project '' "$head" https://circleci.com/gh/mozilla/project/7)"

github=(GITHUB_ACTIONS=true GITHUB_SERVER_URL=https://github.com GITHUB_REPOSITORY=mozilla/project GITHUB_RUN_ID=42 GITHUB_SHA="$head")
run=https://github.com/mozilla/project/actions/runs/42
is 'GitHub, a push to a branch' "$(says "${github[@]}" GITHUB_EVENT_NAME=push GITHUB_REF=refs/heads/main GITHUB_REF_NAME=main)" \
  "$(object https://github.com/mozilla/project '' "$head" "$run")"
is 'GitHub, a tag' "$(says "${github[@]}" GITHUB_EVENT_NAME=push GITHUB_REF=refs/tags/v4 GITHUB_REF_NAME=v4)" \
  "$(object https://github.com/mozilla/project v4 "$head" "$run")"
# a fork's pull request: base and head meet in a merge that GitHub makes and that no branch holds
git checkout -q -b fork v1.2.3 && echo fork >fork && git add fork && git commit -qm fork
fork=$(git rev-parse HEAD)
git checkout -q main && git checkout -q --detach && git merge -q --no-edit fork
merge=$(git rev-parse HEAD)
pull=("${github[@]}" GITHUB_SHA="$merge" GITHUB_EVENT_NAME=pull_request GITHUB_REF=refs/pull/5/merge GITHUB_HEAD_REF=patch)
is "GitHub, a fork's pull request: the commit is the head" "$(says "${pull[@]}")" "$(object https://github.com/mozilla/project '' "$fork" "$run")"
git clone -q --depth 1 "file://$work/project" "$work/shallow-merge" 2>/dev/null
is '... in a shallow clone of the merge' "$(cd "$work/shallow-merge" && says "${pull[@]}")" "$(object https://github.com/mozilla/project '' "$fork" "$run")"
printf '{"pull_request":{"base":{"sha":"%s"},"head":{"sha":"%s","repo":{"fork":true}}}}' "$head" "$fork" >"$work/event.json"
if command -v jq >/dev/null; then
  is "... without a clone, from the event's file" "$(cd "$work/plain" && says "${pull[@]}" GITHUB_EVENT_PATH="$work/event.json")" \
    "$(object https://github.com/mozilla/project '' "$fork" "$run")"
else
  skip "... without a clone, from the event's file" 'there is no jq'
fi
is '... if neither names it: what is built' "$(cd "$work/plain" && says "${pull[@]}")" "$(object https://github.com/mozilla/project '' "$merge" "$run")"
git checkout -q main
is "GitHub, pull_request_target builds the base" "$(says "${github[@]}" GITHUB_EVENT_NAME=pull_request_target)" \
  "$(object https://github.com/mozilla/project '' "$head" "$run")"

gitlab=(GITLAB_CI=true CI_COMMIT_SHA="$head" CI_PROJECT_URL=https://gitlab.com/mozilla/project CI_JOB_URL=https://gitlab.com/mozilla/project/-/jobs/9
  CI_REPOSITORY_URL=https://gitlab-ci-token:secret@gitlab.com/mozilla/project.git)
is 'GitLab' "$(says "${gitlab[@]}")" "$(object https://gitlab.com/mozilla/project '' "$head" https://gitlab.com/mozilla/project/-/jobs/9)"
is 'GitLab, a tag' "$(says "${gitlab[@]}" CI_COMMIT_TAG=v5)" \
  "$(object https://gitlab.com/mozilla/project v5 "$head" https://gitlab.com/mozilla/project/-/jobs/9)"
is "GitLab, a merged result of a fork's branch: the commit is the head" "$(git checkout -q "$merge"
  says "${gitlab[@]}" CI_COMMIT_SHA="$merge" CI_MERGE_REQUEST_IID=5 CI_MERGE_REQUEST_SOURCE_BRANCH_SHA="$fork")" \
  "$(object https://gitlab.com/mozilla/project '' "$fork" https://gitlab.com/mozilla/project/-/jobs/9)"
is 'variables of a CI system that is not there count for nothing' \
  "$(says CI_COMMIT_SHA="$fork" GITHUB_SHA="$fork" CIRCLE_SHA1="$fork" CIRCLE_TAG=v9)" \
  "$(object https://github.com/mozilla/project '' "$merge" '')"
is 'a commit of CI that is not a hash is not passed on' "$(says "${circle[@]}" CIRCLE_SHA1=HEAD)" \
  "$(object https://github.com/mozilla/project '' "$merge" https://circleci.com/gh/mozilla/project/7)"

git checkout -q v2 2>/dev/null
is 'what is said outright comes first' \
  "$(says "${circle[@]}" DOCKERFLOW_SOURCE=https://example.org/a DOCKERFLOW_VERSION=7 DOCKERFLOW_COMMIT="${fork^^}" DOCKERFLOW_BUILD=https://ci.example.org/1)" \
  "$(object https://example.org/a 7 "$fork" https://ci.example.org/1)"
is 'an empty variable is an unset one' "$(says DOCKERFLOW_SOURCE= DOCKERFLOW_VERSION= DOCKERFLOW_COMMIT= DOCKERFLOW_BUILD=)" \
  "$(object https://github.com/mozilla/project v2 "$second" '')"
is "the tag at HEAD is not that of another commit" "$(says DOCKERFLOW_COMMIT="$fork")" "$(object https://github.com/mozilla/project '' "$fork" '')"
is 'a DOCKERFLOW_COMMIT that is not a hash is an error' "$(says DOCKERFLOW_COMMIT=abc123)" 'exit code 2'
ok '... that shows it, and what was expected' warned 'DOCKERFLOW_COMMIT is "abc123", expected 40 or 64 hexadecimal digits'
# shellcheck disable=SC2016 # it is meant as it is
for version in '""' none '$TAG' undefined; do
  is "a DOCKERFLOW_VERSION of $version is an error" "$(says DOCKERFLOW_VERSION="$version")" 'exit code 2'
done
is 'a DOCKERFLOW_BUILD that is not a URL is an error' "$(says DOCKERFLOW_BUILD=42)" 'exit code 2'
is 'a DOCKERFLOW_SOURCE that is not a URL is an error' "$(says DOCKERFLOW_SOURCE=/home/me/project)" 'exit code 2'
is 'a version is escaped' "$(says DOCKERFLOW_VERSION='a"b\c'$'\n')" "$(object https://github.com/mozilla/project 'a\"b\\c' "$second" '')"

while read -r remote expected; do
  is "remote $remote" "$(says DOCKERFLOW_SOURCE="$remote" DOCKERFLOW_BUILD=)" "$(object "$expected" v2 "$second" '')"
done <<'END'
https://github.com/o/r https://github.com/o/r
https://github.com/o/r.git https://github.com/o/r
https://github.com/o/r/ https://github.com/o/r
http://git.example.org/o/r https://git.example.org/o/r
http://git.example.org:8080/o/r http://git.example.org:8080/o/r
https://git.example.org:8443/o/r https://git.example.org:8443/o/r
https://user:secret@github.com/o/r.git https://github.com/o/r
https://user:s@cret@github.com/o/r https://github.com/o/r
https://user:s?cret@github.com/o/r https://github.com/o/r
https://github.com/o/r?token=secret#x https://github.com/o/r
git@github.com:o/r.git https://github.com/o/r
org-123@github.com:o/r.git https://github.com/o/r
github.com:o/r https://github.com/o/r
ssh://git@git.example.org:2222/o/r.git https://git.example.org/o/r
git+ssh://git@git.example.org/o/r.git https://git.example.org/o/r
git://git.example.org/o/r https://git.example.org/o/r
END
while read -r page expected; do
  is "build $page" "$(says DOCKERFLOW_BUILD="$page")" "$(object https://github.com/mozilla/project v2 "$second" "$expected")"
done <<'END'
https://ci.example.org/builds/1?token=secret https://ci.example.org/builds/1
https://user:secret@ci.example.org/builds/1#log https://ci.example.org/builds/1
http://ci.example.org:8080/builds/1 http://ci.example.org:8080/builds/1
https://dev.azure.com/o/p/_build/results?buildId=7 https://dev.azure.com/o/p/_build/results?buildId=7
https://dev.azure.com/o/p/_build/results?buildId=7&token=secret https://dev.azure.com/o/p/_build/results?buildId=7
https://aws.example.org/home?region=eu-1#/builds/p:1/view https://aws.example.org/home?region=eu-1#/builds/p:1/view
END
is 'a password with a slash in it is not passed on, and not shown' "$(says DOCKERFLOW_SOURCE=https://user:s/cret@github.com/o/r)" 'exit code 2'
is '... not even by the error' "$(grep -c cret "$work/stderr")" 0
git remote set-url origin "https://user:hunter2@github.com/o/r.git"
is "a password in the remote's URL is left out" "$(says)" "$(object https://github.com/o/r v2 "$second" '')"

is 'env prints the same facts' "$(says() { env -i PATH="$PATH" HOME="$work" sh "$kit/version.sh" env 2>/dev/null; }; says)" \
  "$(printf 'DOCKERFLOW_SOURCE=https://github.com/o/r\nDOCKERFLOW_VERSION=v2\nDOCKERFLOW_COMMIT=%s\nDOCKERFLOW_BUILD=' "$second")"
finish
