//! The variables that each CI system sets in a build, and the facts that follow from them.

use std::path::Path;

use crate::{commit, inputs::Inputs, json, url, version};

/// The facts from a CI system. No system has all of them in every job.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Ci {
    /// The URL of the repository.
    pub source: Option<String>,
    /// The tag that the job is for.
    pub tag: Option<String>,
    /// The commit that the job is for.
    pub commit: Option<String>,
    /// The URL of the job.
    pub build: Option<String>,
    /// Whether the job is for a pull request.
    pub is_pull_request: bool,
    /// The throw-away merge that the system made of the pull request, if it names that.
    pub merge: Option<String>,
    /// Whether `commit` is that merge, because the system does not name the commit that was pushed.
    pub is_merge: bool,
}

/// One system. A fact has alternatives, of which the first that is complete and valid counts:
///
/// - `$NAME` is the value of a variable. If it is unset or empty, the alternative is not complete.
/// - `${NAME#start}` is what follows `start` in it. If it does not begin with that, the alternative is not complete.
///
/// Names that several systems use (`GIT_COMMIT`, `BUILD_URL`, `CI_COMMIT_SHA`, …) are read only if the system is known.
struct System {
    name: &'static str,
    /// Any of these identifies the system: `NAME` is set and not `false`, `NAME=value`, `ONE+OTHER` are both set.
    detect: &'static [&'static str],
    commit: &'static [&'static str],
    /// Any of these means that the job is for a pull request.
    pull_request: &'static [&'static str],
    /// The throw-away merge that the system makes of a pull request's commit, if `commit` is another one.
    merge: &'static [&'static str],
    tag: &'static [&'static str],
    source: &'static [&'static str],
    build: &'static [&'static str],
}

/// The first system that is detected counts. One that also sets the variables of another comes before that, and the one with the least
/// specific mark is the last.
///
/// For a pull request, the commit is the one that was pushed, not the throw-away merge that most systems build.
const SYSTEMS: &[System] = &[
    System {
        name: "CircleCI",
        detect: &["CIRCLECI"],
        commit: &["$CIRCLE_SHA1"],
        pull_request: &["$CIRCLE_PULL_REQUEST"],
        merge: &[],
        tag: &["$CIRCLE_TAG"],
        source: &[
            "$CIRCLE_REPOSITORY_URL",
            "https://github.com/$CIRCLE_PROJECT_USERNAME/$CIRCLE_PROJECT_REPONAME",
        ],
        build: &[
            "$CIRCLE_BUILD_URL",
            "https://app.circleci.com/pipelines/workflows/$CIRCLE_WORKFLOW_ID",
        ],
    },
    System {
        name: GITHUB,
        detect: &["GITHUB_ACTIONS", "GITEA_ACTIONS", "FORGEJO_ACTIONS"],
        commit: &["$GITHUB_SHA"], // of a pull request: see `pushed`
        pull_request: &["${GITHUB_REF#refs/pull/}"],
        merge: &["$GITHUB_SHA"],
        tag: &[
            "${GITHUB_REF#refs/tags/}",
            "${GITHUB_REF_TYPE#tag}$GITHUB_REF_NAME",
        ],
        source: &["$GITHUB_SERVER_URL/$GITHUB_REPOSITORY"],
        build: &["$GITHUB_SERVER_URL/$GITHUB_REPOSITORY/actions/runs/$GITHUB_RUN_ID"],
    },
    System {
        name: "GitLab CI",
        detect: &["GITLAB_CI"],
        commit: &["$CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", "$CI_COMMIT_SHA"],
        pull_request: &["$CI_MERGE_REQUEST_IID"],
        merge: &["$CI_COMMIT_SHA"],
        tag: &["$CI_COMMIT_TAG"],
        source: &["$CI_PROJECT_URL"], // CI_REPOSITORY_URL has a token in it
        build: &["$CI_JOB_URL", "$CI_PIPELINE_URL"],
    },
    System {
        name: "Buildkite",
        detect: &["BUILDKITE"],
        commit: &["$BUILDKITE_COMMIT"],
        pull_request: &["$BUILDKITE_PULL_REQUEST"],
        merge: &[],
        tag: &["$BUILDKITE_TAG"],
        source: &["$BUILDKITE_REPO"],
        build: &["$BUILDKITE_BUILD_URL"],
    },
    System {
        name: "Jenkins",
        detect: &["JENKINS_URL"],
        commit: &["$ghprbActualCommit", "$GIT_COMMIT"],
        pull_request: &["$CHANGE_ID", "$ghprbPullId"],
        merge: &[],
        tag: &["$TAG_NAME"],
        source: &["$GIT_URL", "$GIT_URL_1"],
        build: &["$BUILD_URL", "$RUN_DISPLAY_URL"],
    },
    System {
        name: "Travis CI",
        detect: &["TRAVIS"],
        commit: &["$TRAVIS_PULL_REQUEST_SHA", "$TRAVIS_COMMIT"],
        pull_request: &["$TRAVIS_PULL_REQUEST"],
        merge: &["$TRAVIS_COMMIT"],
        tag: &["$TRAVIS_TAG"],
        source: &["https://github.com/$TRAVIS_REPO_SLUG"],
        build: &["$TRAVIS_BUILD_WEB_URL", "$TRAVIS_JOB_WEB_URL"],
    },
    System {
        name: "Azure Pipelines",
        detect: &["TF_BUILD"],
        commit: &["$SYSTEM_PULLREQUEST_SOURCECOMMITID", "$BUILD_SOURCEVERSION"],
        pull_request: &[
            "$SYSTEM_PULLREQUEST_PULLREQUESTID",
            "$SYSTEM_PULLREQUEST_SOURCECOMMITID",
        ],
        merge: &["$BUILD_SOURCEVERSION"],
        tag: &["${BUILD_SOURCEBRANCH#refs/tags/}"],
        source: &["$BUILD_REPOSITORY_URI"],
        build: &[
            "$SYSTEM_TEAMFOUNDATIONSERVERURI/$SYSTEM_TEAMPROJECT/_build/results?buildId=$BUILD_BUILDID",
            "$SYSTEM_TEAMFOUNDATIONCOLLECTIONURI/$SYSTEM_TEAMPROJECT/_build/results?buildId=$BUILD_BUILDID",
        ],
    },
    System {
        name: "Bitbucket Pipelines",
        detect: &["BITBUCKET_BUILD_NUMBER"],
        commit: &["$BITBUCKET_COMMIT"],
        pull_request: &["$BITBUCKET_PR_ID"],
        merge: &[],
        tag: &["$BITBUCKET_TAG"],
        source: &["$BITBUCKET_GIT_HTTP_ORIGIN", "$BITBUCKET_GIT_SSH_ORIGIN"],
        build: &[
            "https://bitbucket.org/$BITBUCKET_REPO_FULL_NAME/pipelines/results/$BITBUCKET_BUILD_NUMBER",
        ],
    },
    System {
        name: "Drone",
        detect: &["DRONE"],
        commit: &["$DRONE_COMMIT_SHA", "$DRONE_COMMIT"],
        pull_request: &["$DRONE_PULL_REQUEST"],
        merge: &[],
        tag: &["$DRONE_TAG"],
        source: &["$DRONE_REPO_LINK", "$DRONE_GIT_HTTP_URL"],
        build: &["$DRONE_BUILD_LINK"],
    },
    System {
        name: "Woodpecker",
        detect: &["CI=woodpecker"],
        commit: &["$CI_COMMIT_SHA"],
        pull_request: &["$CI_COMMIT_PULL_REQUEST"],
        merge: &[],
        tag: &["$CI_COMMIT_TAG"],
        source: &["$CI_REPO_URL"],
        build: &["$CI_PIPELINE_URL"],
    },
    System {
        name: "TeamCity",
        detect: &["TEAMCITY_VERSION"],
        commit: &["$BUILD_VCS_NUMBER"],
        pull_request: &[],
        merge: &[],
        tag: &[],
        source: &[],
        build: &["$BUILD_URL"],
    },
    System {
        name: "AWS CodeBuild",
        detect: &["CODEBUILD_BUILD_ARN", "CODEBUILD_BUILD_ID"],
        commit: &["$CODEBUILD_RESOLVED_SOURCE_VERSION"],
        pull_request: &["${CODEBUILD_WEBHOOK_TRIGGER#pr/}"],
        merge: &[],
        tag: &[
            "${CODEBUILD_WEBHOOK_TRIGGER#tag/}",
            "${CODEBUILD_WEBHOOK_HEAD_REF#refs/tags/}",
        ],
        source: &["$CODEBUILD_SOURCE_REPO_URL"],
        build: &[
            "$CODEBUILD_PUBLIC_BUILD_URL",
            "https://console.aws.amazon.com/codebuild/home?region=$AWS_REGION#/builds/$CODEBUILD_BUILD_ID/view/new",
        ],
    },
    System {
        name: "Google Cloud Build", // sets none of the others unless the build's configuration maps them
        detect: &["BUILDER_OUTPUT"],
        commit: &["$COMMIT_SHA", "$REVISION_ID"],
        pull_request: &["$_PR_NUMBER"],
        merge: &[],
        tag: &["$TAG_NAME"],
        source: &[], // REPO_FULL_NAME does not say on which host
        build: &[
            "https://console.cloud.google.com/cloud-build/builds;region=$LOCATION/$BUILD_ID?project=$PROJECT_ID",
        ],
    },
    System {
        name: "Taskcluster",
        detect: &["TASK_ID+RUN_ID"],
        commit: &["$GECKO_HEAD_REV", "$VCS_HEAD_REV"], // a project's own prefix is not known here
        pull_request: &["$GITHUB_PULL_REQUEST"],
        merge: &[],
        tag: &["$GECKO_HEAD_TAG", "$VCS_HEAD_TAG"],
        source: &["$GECKO_HEAD_REPOSITORY", "$VCS_HEAD_REPOSITORY"],
        build: &["$TASKCLUSTER_ROOT_URL/tasks/$TASK_ID/runs/$RUN_ID"],
    },
    System {
        name: "AppVeyor",
        detect: &["APPVEYOR"],
        commit: &[
            "$APPVEYOR_PULL_REQUEST_HEAD_COMMIT",
            "$APPVEYOR_REPO_COMMIT",
        ],
        pull_request: &["$APPVEYOR_PULL_REQUEST_NUMBER"],
        merge: &[],
        tag: &["$APPVEYOR_REPO_TAG_NAME"],
        source: &[
            "${APPVEYOR_REPO_PROVIDER#github}https://github.com/$APPVEYOR_REPO_NAME",
            "${APPVEYOR_REPO_PROVIDER#gitHub}https://github.com/$APPVEYOR_REPO_NAME",
        ],
        build: &[
            "$APPVEYOR_URL/project/$APPVEYOR_ACCOUNT_NAME/$APPVEYOR_PROJECT_SLUG/builds/$APPVEYOR_BUILD_ID",
        ],
    },
    System {
        name: "Semaphore",
        detect: &["SEMAPHORE"],
        commit: &["$SEMAPHORE_GIT_PR_SHA", "$SEMAPHORE_GIT_SHA"],
        pull_request: &["$SEMAPHORE_GIT_PR_NUMBER"],
        merge: &["$SEMAPHORE_GIT_SHA"],
        tag: &["$SEMAPHORE_GIT_TAG_NAME"],
        source: &["$SEMAPHORE_GIT_URL"],
        build: &["$SEMAPHORE_ORGANIZATION_URL/workflows/$SEMAPHORE_WORKFLOW_ID"],
    },
    System {
        name: "Cirrus CI",
        detect: &["CIRRUS_CI"],
        commit: &["$CIRRUS_CHANGE_IN_REPO"],
        pull_request: &["$CIRRUS_PR"],
        merge: &[],
        tag: &["$CIRRUS_TAG"],
        source: &["$CIRRUS_REPO_CLONE_URL"],
        build: &["https://cirrus-ci.com/build/$CIRRUS_BUILD_ID"],
    },
    System {
        name: "Bitrise",
        detect: &["BITRISE_BUILD_SLUG"],
        commit: &["$BITRISE_GIT_COMMIT", "$GIT_CLONE_COMMIT_HASH"],
        pull_request: &["$BITRISE_PULL_REQUEST"],
        merge: &[],
        tag: &["$BITRISE_GIT_TAG"],
        source: &["$GIT_REPOSITORY_URL"],
        build: &["$BITRISE_BUILD_URL"],
    },
    System {
        name: "Codefresh",
        detect: &["CF_BUILD_ID"],
        commit: &["$CF_REVISION"],
        pull_request: &["$CF_PULL_REQUEST_NUMBER"],
        merge: &[],
        tag: &[],
        source: &[], // CF_REPO_OWNER and CF_REPO_NAME do not say on which host
        build: &["$CF_BUILD_URL"],
    },
    System {
        name: "Buddy",
        detect: &["BUDDY_EXECUTION_ID"],
        commit: &["$BUDDY_EXECUTION_REVISION"],
        pull_request: &["$BUDDY_EXECUTION_PULL_REQUEST_NO", "$BUDDY_RUN_PR_NO"],
        merge: &[],
        tag: &["$BUDDY_EXECUTION_TAG"],
        source: &["$BUDDY_SCM_URL"],
        build: &["$BUDDY_EXECUTION_URL"],
    },
    System {
        name: "Codeship",
        detect: &["CI_NAME=codeship"],
        commit: &["$CI_COMMIT_ID"],
        pull_request: &["$CI_PR_NUMBER"],
        merge: &[],
        tag: &[],
        source: &[],
        build: &["$CI_BUILD_URL"],
    },
    System {
        name: "Bamboo",
        detect: &["bamboo_planKey"],
        commit: &[
            "$bamboo_planRepository_1_revision",
            "$bamboo_planRepository_revision",
        ],
        pull_request: &["$bamboo_repository_pr_key"],
        merge: &[],
        tag: &[],
        source: &["$bamboo_planRepository_1_repositoryUrl"],
        build: &["$bamboo_buildResultsUrl", "$bamboo_resultsUrl"],
    },
    System {
        name: "Vela",
        detect: &["VELA"],
        commit: &["$VELA_BUILD_COMMIT"],
        pull_request: &["$VELA_BUILD_PULL_REQUEST", "$VELA_PULL_REQUEST"],
        merge: &[],
        tag: &["$VELA_BUILD_TAG"],
        source: &["$VELA_REPO_LINK"],
        build: &["$VELA_BUILD_LINK"],
    },
    System {
        name: "Screwdriver",
        detect: &["SCREWDRIVER"],
        commit: &["$SD_BUILD_SHA", "$GIT_COMMIT"],
        pull_request: &["$SD_PULL_REQUEST"],
        merge: &[],
        tag: &[],
        source: &["$SCM_URL"],
        build: &["$SD_UI_BUILD_URL"],
    },
    System {
        name: "Vercel",
        detect: &["VERCEL"],
        commit: &["$VERCEL_GIT_COMMIT_SHA"],
        pull_request: &["$VERCEL_GIT_PULL_REQUEST_ID"],
        merge: &[],
        tag: &[],
        source: &[
            "${VERCEL_GIT_PROVIDER#github}https://github.com/$VERCEL_GIT_REPO_OWNER/$VERCEL_GIT_REPO_SLUG",
            "${VERCEL_GIT_PROVIDER#gitlab}https://gitlab.com/$VERCEL_GIT_REPO_OWNER/$VERCEL_GIT_REPO_SLUG",
            "${VERCEL_GIT_PROVIDER#bitbucket}https://bitbucket.org/$VERCEL_GIT_REPO_OWNER/$VERCEL_GIT_REPO_SLUG",
        ],
        build: &[],
    },
    System {
        name: "Netlify",
        detect: &["NETLIFY"],
        commit: &["$COMMIT_REF"],
        pull_request: &["$PULL_REQUEST"],
        merge: &[],
        tag: &[],
        source: &["$REPOSITORY_URL"],
        build: &["https://app.netlify.com/sites/$SITE_NAME/deploys/$DEPLOY_ID"],
    },
    System {
        name: "Cloudflare Pages",
        detect: &["CF_PAGES"],
        commit: &["$CF_PAGES_COMMIT_SHA"],
        pull_request: &[],
        merge: &[],
        tag: &[],
        source: &[],
        build: &[],
    },
    System {
        name: "Render",
        detect: &["RENDER"],
        commit: &["$RENDER_GIT_COMMIT"],
        pull_request: &["$IS_PULL_REQUEST"],
        merge: &[],
        tag: &[],
        source: &[], // RENDER_GIT_REPO_SLUG does not say on which host
        build: &[],
    },
    System {
        name: "Prow",
        detect: &["PROW_JOB_ID"],
        commit: &["$PULL_PULL_SHA", "$PULL_BASE_SHA"],
        pull_request: &["$PULL_NUMBER"],
        merge: &[],
        tag: &[],
        source: &["https://github.com/$REPO_OWNER/$REPO_NAME"],
        build: &[],
    },
    System {
        name: "GoCD",
        detect: &["GO_PIPELINE_NAME"],
        commit: &["$GO_REVISION"], // of a pipeline with one material
        pull_request: &[],
        merge: &[],
        tag: &[],
        source: &[],
        build: &[
            "$GO_SERVER_URL/pipelines/$GO_PIPELINE_NAME/$GO_PIPELINE_COUNTER/$GO_STAGE_NAME/$GO_STAGE_COUNTER",
        ],
    },
    System {
        name: "sourcehut",
        detect: &["CI_NAME=sourcehut"],
        commit: &[],
        pull_request: &[],
        merge: &[],
        tag: &[],
        source: &[],
        build: &["$JOB_URL"],
    },
    System {
        name: "Heroku",
        detect: &[
            "HEROKU_TEST_RUN_ID",
            "HEROKU_BUILD_COMMIT",
            "SOURCE_VERSION",
        ],
        commit: &[
            "$SOURCE_VERSION",
            "$HEROKU_TEST_RUN_COMMIT_VERSION",
            "$HEROKU_BUILD_COMMIT",
        ],
        pull_request: &[],
        merge: &[],
        tag: &[],
        source: &[],
        build: &[],
    },
];

impl Ci {
    /// Returns the facts that the variables of the CI system give. Outside of CI there are none.
    pub fn find(inputs: &mut Inputs) -> Self {
        let mut detected = SYSTEMS.iter().filter(|system| system.is_here(inputs));
        let Some(system) = detected.next() else {
            return Self::default();
        };
        let first =
            |inputs: &mut Inputs, alternatives: &[&str], valid: fn(&str) -> Option<String>| {
                alternatives
                    .iter()
                    .find_map(|alternative| valid(&fill_in(alternative, inputs)?))
            };
        let is_pull_request = system
            .pull_request
            .iter()
            .filter_map(|mark| fill_in(mark, inputs))
            .any(|value| !["false", "0", "none"].contains(&value.to_ascii_lowercase().as_str()));
        let pushed = pushed(system, inputs);
        // GitHub builds the merge, and names it so; Gitea and Forgejo build what was pushed.
        let is_merge = is_pull_request
            && pushed.is_none()
            && fill_in("${GITHUB_REF#refs/pull/}", inputs)
                .is_some_and(|rest| rest.ends_with("/merge"));
        Self {
            source: first(inputs, system.source, url::of_repository),
            tag: first(inputs, system.tag, version::valid),
            commit: pushed.or_else(|| first(inputs, system.commit, commit::valid)),
            build: first(inputs, system.build, url::of_build),
            is_pull_request,
            merge: is_pull_request
                .then(|| first(inputs, system.merge, commit::valid))
                .flatten(),
            is_merge: is_merge && system.name == GITHUB,
        }
    }
}

impl System {
    fn is_here(&self, inputs: &mut Inputs) -> bool {
        let mut is_set = |mark: &str| match mark.split_once('=') {
            Some((name, value)) => inputs
                .variable(name)
                .is_some_and(|held| held.eq_ignore_ascii_case(value)),
            None => inputs
                .variable(mark)
                .is_some_and(|held| !held.eq_ignore_ascii_case("false")),
        };
        self.detect
            .iter()
            .any(|mark| mark.split('+').all(&mut is_set))
    }
}

const GITHUB: &str = "GitHub Actions";

/// Returns the pushed commit of a pull request on GitHub. `GITHUB_SHA` is then a merge, which nobody can fetch later; only the event
/// file names the commit.
fn pushed(system: &System, inputs: &mut Inputs) -> Option<String> {
    if system.name != GITHUB {
        return None;
    }
    fill_in("${GITHUB_REF#refs/pull/}", inputs)?;
    let path = inputs.variable("GITHUB_EVENT_PATH")?;
    let event = inputs.text(Path::new(&path))?;
    commit::valid(&json::string(&event, &["pull_request", "head", "sha"])?)
}

/// Returns `alternative` with the values of its variables, or `None` if one of them is missing.
fn fill_in(alternative: &str, inputs: &mut Inputs) -> Option<String> {
    let mut filled = String::new();
    let mut rest = alternative;
    while let Some((before, after)) = rest.split_once('$') {
        filled.push_str(before);
        let (name, start) = if let Some(braced) = after.strip_prefix('{') {
            let (inside, after) = braced.split_once('}')?;
            rest = after;
            inside.split_once('#')?
        } else {
            let in_name = |character: char| character.is_ascii_alphanumeric() || character == '_';
            rest = after.trim_start_matches(in_name);
            (&after[..after.len() - rest.len()], "")
        };
        let value = inputs.variable(name)?;
        let value = value.strip_prefix(start)?;
        if !filled.is_empty() && value.contains("://") {
            return None; // a whole URL where a part of one belongs
        }
        filled.push_str(value);
    }
    filled.push_str(rest);
    (!filled.is_empty()).then_some(filled)
}

#[cfg(test)]
mod tests {
    use std::{
        collections::{BTreeMap, BTreeSet},
        fmt::Write as _,
    };

    use super::*;

    fn find(variables: &[(&str, &str)]) -> Ci {
        let variables: BTreeMap<String, String> = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Ci::find(&mut Inputs::new(move |name| variables.get(name).cloned()))
    }

    const COMMIT: &str = "5f1e2d3c4b5a69788796a5b4c3d2e1f001234567";
    const FIXTURES: &str = include_str!("../fixtures/ci-systems.txt");

    #[test]
    fn each_system_gives_the_facts_of_its_fixtures() {
        let mut tried = BTreeSet::new();
        for fixture in FIXTURES.split("\n== ").skip(1) {
            let (title, lines) = fixture.split_once('\n').expect("a title and lines");
            tried.insert(title.split(':').next().unwrap_or_default());
            let variables: Vec<_> = lines
                .lines()
                .filter(|line| !line.starts_with("-> "))
                .filter_map(|line| line.split_once('='))
                .collect();
            let expected = |fact: &str| {
                let start = format!("-> {fact} ");
                let value = lines.lines().find_map(|line| line.strip_prefix(&start));
                value.map(str::to_owned)
            };
            let expected = ["source", "tag", "commit", "build"].map(expected);
            let Ci {
                source,
                tag,
                commit,
                build,
                ..
            } = find(&variables);
            assert_eq!([source, tag, commit, build], expected, "{title}");
        }
        let known: BTreeSet<_> = SYSTEMS.iter().map(|system| system.name).collect();
        assert_eq!(tried, known);
    }

    #[test]
    fn names_that_several_systems_use_mean_nothing_by_themselves() {
        let hash = COMMIT;
        let names = [
            "GIT_COMMIT",
            "COMMIT_SHA",
            "CI_COMMIT_SHA",
            "CI_COMMIT_ID",
            "COMMIT_REF",
            "GO_REVISION",
            "GITHUB_SHA",
        ];
        let others = [
            ("CI", "true"),
            ("TAG_NAME", "v1"),
            ("BUILD_URL", "https://example.org"),
            ("TASK_ID", "1"),
            ("TRAVIS", "false"),
        ];
        let variables: Vec<_> = names
            .map(|name| (name, hash))
            .into_iter()
            .chain(others)
            .collect();
        assert_eq!(find(&variables), Ci::default());
    }

    #[test]
    fn an_alternative_counts_only_where_it_is_complete_and_valid() {
        for (variables, commit) in [
            (vec![("GIT_COMMIT", "abc1234")], None),
            (
                vec![("ghprbActualCommit", "unknown"), ("GIT_COMMIT", COMMIT)],
                Some(COMMIT),
            ),
        ] {
            let variables = [vec![("JENKINS_URL", "x")], variables].concat();
            assert_eq!(find(&variables).commit.as_deref(), commit);
        }
        let prow = [
            ("PROW_JOB_ID", "1"),
            ("REPO_OWNER", "https://gerrit.example.org"),
            ("REPO_NAME", "app"),
        ];
        assert_eq!(find(&prow).source, None);
    }

    /// Compares the text between `start` and `end` in a file of this repository with `table`, or writes it there if
    /// `UPDATE_EXPECT` is set. In a package there is no such file.
    fn must_have(path: &str, start: &str, end: &str, table: &str) {
        let Ok(text) = std::fs::read_to_string(path) else {
            return;
        };
        let (before, rest) = text.split_once(start).expect("the table's start");
        let (found, after) = rest.split_once(end).expect("the table's end");
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            std::fs::write(path, [before, start, table, end, after].concat()).expect("a file");
        } else {
            assert_eq!(found, table, "{path}: UPDATE_EXPECT=1 writes it");
        }
    }

    #[test]
    fn the_documentation_has_the_table() {
        let code = |names: &[&str], between: &str| {
            let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
            if names.is_empty() {
                "–".to_owned()
            } else {
                names.join(between)
            }
        };
        let mut table = String::new();
        for system in SYSTEMS {
            let columns = [
                system.commit,
                system.tag,
                system.source,
                system.build,
                system.pull_request,
            ];
            let facts = columns.map(|names| code(names, " / ")).join(" | ");
            let _ = writeln!(
                table,
                "| {} | {} | {facts} |",
                system.name,
                code(system.detect, " or ")
            );
        }
        must_have(
            "../docs/build-facts.md",
            "|---|---|---|---|---|---|---|\n",
            "\n\n",
            table.trim_end(),
        );
    }

    #[test]
    fn the_shell_script_has_the_table() {
        let mut table = String::new();
        for system in SYSTEMS {
            let columns = [
                system.detect,
                system.commit,
                system.pull_request,
                system.merge,
                system.tag,
                system.source,
                system.build,
            ];
            let _ = writeln!(
                table,
                "{}|{}",
                system.name,
                columns.map(|names| names.join(" ")).join("|")
            );
        }
        must_have(
            "../.dockerflow/version.sh",
            "<<'SYSTEMS'\n",
            "SYSTEMS\n",
            &table,
        );
    }
}
