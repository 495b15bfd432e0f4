//! For each CI system, the variables that it sets in a build, and what they say.

/// A build in a CI system.
pub(crate) struct Fixture {
    pub(crate) name: &'static str,
    pub(crate) variables: &'static [(&'static str, &'static str)],
    /// Source, tag, commit and build; empty where the system does not say.
    pub(crate) facts: [&'static str; 4],
}

pub(crate) const COMMIT: &str = "5f1e2d3c4b5a69788796a5b4c3d2e1f001234567";
/// What a merge request, or a branch, has in place of the commit in question.
const MERGE: &str = "00112233445566778899aabbccddeeff00112233";
const GITHUB: &str = "https://github.com/team/app";

pub(crate) const FIXTURES: &[Fixture] = &[
    Fixture {
        name: "CircleCI",
        variables: &[
            ("CIRCLECI", "true"),
            ("CIRCLE_SHA1", COMMIT),
            ("CIRCLE_TAG", "v1.2.4"),
            ("CIRCLE_REPOSITORY_URL", "git@github.com:team/app.git"),
            ("CIRCLE_PROJECT_USERNAME", "team"),
            ("CIRCLE_PROJECT_REPONAME", "app"),
            ("CIRCLE_BUILD_URL", "https://circleci.com/gh/team/app/42"),
        ],
        facts: [
            GITHUB,
            "v1.2.4",
            COMMIT,
            "https://circleci.com/gh/team/app/42",
        ],
    },
    Fixture {
        name: "CircleCI", // of a project that is connected through the GitHub App
        variables: &[
            ("CIRCLECI", "true"),
            ("CIRCLE_SHA1", COMMIT),
            ("CIRCLE_TAG", ""),
            ("CIRCLE_PROJECT_USERNAME", "team"),
            ("CIRCLE_PROJECT_REPONAME", "app"),
            ("CIRCLE_WORKFLOW_ID", "0aa7"),
        ],
        facts: [
            GITHUB,
            "",
            COMMIT,
            "https://app.circleci.com/pipelines/workflows/0aa7",
        ],
    },
    Fixture {
        name: "GitHub Actions",
        variables: &[
            ("CI", "true"),
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_SHA", COMMIT),
            ("GITHUB_REF", "refs/tags/v1.2.4"),
            ("GITHUB_REF_TYPE", "tag"),
            ("GITHUB_REF_NAME", "v1.2.4"),
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("GITHUB_REPOSITORY", "team/app"),
            ("GITHUB_RUN_ID", "77"),
        ],
        facts: [
            GITHUB,
            "v1.2.4",
            COMMIT,
            "https://github.com/team/app/actions/runs/77",
        ],
    },
    Fixture {
        name: "GitHub Actions", // Forgejo, of a branch
        variables: &[
            ("FORGEJO_ACTIONS", "true"),
            ("GITHUB_SHA", COMMIT),
            ("GITHUB_REF", "refs/heads/main"),
            ("GITHUB_REF_TYPE", "branch"),
            ("GITHUB_REF_NAME", "main"),
            ("GITHUB_SERVER_URL", "https://codeberg.org"),
            ("GITHUB_REPOSITORY", "team/app"),
            ("GITHUB_RUN_ID", "77"),
        ],
        facts: [
            "https://codeberg.org/team/app",
            "",
            COMMIT,
            "https://codeberg.org/team/app/actions/runs/77",
        ],
    },
    Fixture {
        name: "GitLab CI",
        variables: &[
            ("CI", "true"),
            ("GITLAB_CI", "true"),
            ("CI_COMMIT_SHA", COMMIT),
            ("CI_COMMIT_TAG", "v1.2.4"),
            ("CI_PROJECT_URL", "https://gitlab.com/team/app"),
            (
                "CI_REPOSITORY_URL",
                "https://gitlab-ci-token:hunter2-token@gitlab.com/team/app.git",
            ),
            ("CI_JOB_URL", "https://gitlab.com/team/app/-/jobs/7"),
            (
                "CI_PIPELINE_URL",
                "https://gitlab.com/team/app/-/pipelines/3",
            ),
        ],
        facts: [
            "https://gitlab.com/team/app",
            "v1.2.4",
            COMMIT,
            "https://gitlab.com/team/app/-/jobs/7",
        ],
    },
    Fixture {
        name: "Buildkite",
        variables: &[
            ("BUILDKITE", "true"),
            ("BUILDKITE_COMMIT", COMMIT),
            ("BUILDKITE_TAG", "v1.2.4"),
            ("BUILDKITE_REPO", "ssh://git@github.com/team/app.git"),
            (
                "BUILDKITE_BUILD_URL",
                "https://buildkite.com/team/app/builds/42",
            ),
        ],
        facts: [
            GITHUB,
            "v1.2.4",
            COMMIT,
            "https://buildkite.com/team/app/builds/42",
        ],
    },
    Fixture {
        name: "Buildkite", // of a build that was started by hand
        variables: &[
            ("BUILDKITE", "true"),
            ("BUILDKITE_COMMIT", "HEAD"),
            ("BUILDKITE_TAG", ""),
        ],
        facts: ["", "", "", ""],
    },
    Fixture {
        name: "Jenkins",
        variables: &[
            ("JENKINS_URL", "http://jenkins.example.org:8080/"),
            ("GIT_COMMIT", COMMIT),
            ("TAG_NAME", "v1.2.4"),
            (
                "GIT_URL",
                "https://user:hunter2-token@github.com/team/app.git",
            ),
            ("BUILD_URL", "http://jenkins.example.org:8080/job/app/7/"),
        ],
        facts: [
            GITHUB,
            "v1.2.4",
            COMMIT,
            "http://jenkins.example.org:8080/job/app/7/",
        ],
    },
    Fixture {
        name: "Travis CI",
        variables: &[
            ("TRAVIS", "true"),
            ("TRAVIS_COMMIT", MERGE),
            ("TRAVIS_PULL_REQUEST_SHA", COMMIT),
            ("TRAVIS_TAG", ""),
            ("TRAVIS_REPO_SLUG", "team/app"),
            (
                "TRAVIS_BUILD_WEB_URL",
                "https://app.travis-ci.com/team/app/builds/7",
            ),
        ],
        facts: [
            GITHUB,
            "",
            COMMIT,
            "https://app.travis-ci.com/team/app/builds/7",
        ],
    },
    Fixture {
        name: "Azure Pipelines",
        variables: &[
            ("TF_BUILD", "True"),
            ("BUILD_SOURCEVERSION", COMMIT),
            ("BUILD_SOURCEBRANCH", "refs/tags/v1.2.4"),
            (
                "BUILD_REPOSITORY_URI",
                "https://team@dev.azure.com/team/app/_git/app",
            ),
            (
                "SYSTEM_TEAMFOUNDATIONSERVERURI",
                "https://dev.azure.com/team/",
            ),
            ("SYSTEM_TEAMPROJECT", "Our App"),
            ("BUILD_BUILDID", "42"),
        ],
        facts: [
            "https://dev.azure.com/team/app/_git/app",
            "v1.2.4",
            COMMIT,
            "https://dev.azure.com/team/Our%20App/_build/results?buildId=42",
        ],
    },
    Fixture {
        name: "Bitbucket Pipelines",
        variables: &[
            ("BITBUCKET_BUILD_NUMBER", "42"),
            ("BITBUCKET_COMMIT", COMMIT),
            ("BITBUCKET_TAG", "v1.2.4"),
            ("BITBUCKET_GIT_HTTP_ORIGIN", "http://bitbucket.org/team/app"),
            ("BITBUCKET_REPO_FULL_NAME", "team/app"),
        ],
        facts: [
            "https://bitbucket.org/team/app",
            "v1.2.4",
            COMMIT,
            "https://bitbucket.org/team/app/pipelines/results/42",
        ],
    },
    Fixture {
        name: "Drone",
        variables: &[
            ("DRONE", "true"),
            ("DRONE_COMMIT_SHA", COMMIT),
            ("DRONE_TAG", "v1.2.4"),
            ("DRONE_REPO_LINK", GITHUB),
            ("DRONE_BUILD_LINK", "https://drone.example.org/team/app/42"),
        ],
        facts: [
            GITHUB,
            "v1.2.4",
            COMMIT,
            "https://drone.example.org/team/app/42",
        ],
    },
    Fixture {
        name: "Woodpecker",
        variables: &[
            ("CI", "woodpecker"),
            ("CI_COMMIT_SHA", COMMIT),
            ("CI_COMMIT_TAG", "v1.2.4"),
            ("CI_REPO_URL", "https://codeberg.org/team/app"),
            (
                "CI_PIPELINE_URL",
                "https://ci.codeberg.org/repos/1/pipeline/42",
            ),
        ],
        facts: [
            "https://codeberg.org/team/app",
            "v1.2.4",
            COMMIT,
            "https://ci.codeberg.org/repos/1/pipeline/42",
        ],
    },
    Fixture {
        name: "TeamCity",
        variables: &[
            ("TEAMCITY_VERSION", "2026.1"),
            ("BUILD_VCS_NUMBER", COMMIT),
            (
                "BUILD_URL",
                "https://teamcity.example.org/viewLog.html?buildId=42&guest=1",
            ),
        ],
        facts: [
            "",
            "",
            COMMIT,
            "https://teamcity.example.org/viewLog.html?buildId=42",
        ],
    },
    Fixture {
        name: "AWS CodeBuild",
        variables: &[
            (
                "CODEBUILD_BUILD_ARN",
                "arn:aws:codebuild:eu-west-1:1:build/app:42",
            ),
            ("CODEBUILD_BUILD_ID", "app:42"),
            ("CODEBUILD_RESOLVED_SOURCE_VERSION", COMMIT),
            ("CODEBUILD_WEBHOOK_TRIGGER", "tag/v1.2.4"),
            (
                "CODEBUILD_SOURCE_REPO_URL",
                "https://github.com/team/app.git",
            ),
            ("AWS_REGION", "eu-west-1"),
        ],
        facts: [
            GITHUB,
            "v1.2.4",
            COMMIT,
            "https://console.aws.amazon.com/codebuild/home?region=eu-west-1#/builds/app:42/view/new",
        ],
    },
    Fixture {
        name: "Google Cloud Build",
        variables: &[
            ("BUILDER_OUTPUT", "/builder/outputs"),
            ("COMMIT_SHA", COMMIT),
            ("TAG_NAME", "v1.2.4"),
            ("REPO_FULL_NAME", "team/app"),
            ("LOCATION", "europe-west1"),
            ("BUILD_ID", "0aa7"),
            ("PROJECT_ID", "team-1"),
        ],
        facts: [
            "",
            "v1.2.4",
            COMMIT,
            "https://console.cloud.google.com/cloud-build/builds;region=europe-west1/0aa7?project=team-1",
        ],
    },
    Fixture {
        name: "Taskcluster",
        variables: &[
            ("TASK_ID", "fN1SbArXTPSVFNUvaOlinQ"),
            ("RUN_ID", "0"),
            (
                "TASKCLUSTER_ROOT_URL",
                "https://firefox-ci-tc.services.mozilla.com",
            ),
            ("VCS_HEAD_REV", COMMIT),
            ("VCS_HEAD_TAG", "v1.2.4"),
            ("VCS_HEAD_REPOSITORY", GITHUB),
        ],
        facts: [
            GITHUB,
            "v1.2.4",
            COMMIT,
            "https://firefox-ci-tc.services.mozilla.com/tasks/fN1SbArXTPSVFNUvaOlinQ/runs/0",
        ],
    },
    Fixture {
        name: "AppVeyor",
        variables: &[
            ("APPVEYOR", "True"),
            ("APPVEYOR_REPO_COMMIT", COMMIT),
            ("APPVEYOR_REPO_TAG_NAME", "v1.2.4"),
            ("APPVEYOR_REPO_PROVIDER", "gitHub"),
            ("APPVEYOR_REPO_NAME", "team/app"),
            ("APPVEYOR_URL", "https://ci.appveyor.com"),
            ("APPVEYOR_ACCOUNT_NAME", "team"),
            ("APPVEYOR_PROJECT_SLUG", "app"),
            ("APPVEYOR_BUILD_ID", "42"),
        ],
        facts: [
            GITHUB,
            "v1.2.4",
            COMMIT,
            "https://ci.appveyor.com/project/team/app/builds/42",
        ],
    },
    Fixture {
        name: "Semaphore",
        variables: &[
            ("SEMAPHORE", "true"),
            ("SEMAPHORE_GIT_SHA", COMMIT),
            ("SEMAPHORE_GIT_TAG_NAME", "v1.2.4"),
            ("SEMAPHORE_GIT_URL", "git@github.com:team/app.git"),
            ("SEMAPHORE_ORGANIZATION_URL", "https://team.semaphoreci.com"),
            ("SEMAPHORE_WORKFLOW_ID", "0aa7"),
        ],
        facts: [
            GITHUB,
            "v1.2.4",
            COMMIT,
            "https://team.semaphoreci.com/workflows/0aa7",
        ],
    },
    Fixture {
        name: "Cirrus CI",
        variables: &[
            ("CIRRUS_CI", "true"),
            ("CIRRUS_CHANGE_IN_REPO", COMMIT),
            ("CIRRUS_TAG", "v1.2.4"),
            (
                "CIRRUS_REPO_CLONE_URL",
                "https://x-access-token:hunter2-token@github.com/team/app.git",
            ),
            ("CIRRUS_BUILD_ID", "42"),
        ],
        facts: [GITHUB, "v1.2.4", COMMIT, "https://cirrus-ci.com/build/42"],
    },
    Fixture {
        name: "Bitrise",
        variables: &[
            ("BITRISE_BUILD_SLUG", "0aa7"),
            ("BITRISE_GIT_COMMIT", COMMIT),
            ("BITRISE_GIT_TAG", "v1.2.4"),
            ("GIT_REPOSITORY_URL", "git@github.com:team/app.git"),
            ("BITRISE_BUILD_URL", "https://app.bitrise.io/build/0aa7"),
        ],
        facts: [
            GITHUB,
            "v1.2.4",
            COMMIT,
            "https://app.bitrise.io/build/0aa7",
        ],
    },
    Fixture {
        name: "Codefresh",
        variables: &[
            ("CF_BUILD_ID", "0aa7"),
            ("CF_REVISION", COMMIT),
            ("CF_REPO_OWNER", "team"),
            ("CF_REPO_NAME", "app"),
            ("CF_BUILD_URL", "https://g.codefresh.io/build/0aa7"),
        ],
        facts: ["", "", COMMIT, "https://g.codefresh.io/build/0aa7"],
    },
    Fixture {
        name: "Buddy",
        variables: &[
            ("BUDDY_EXECUTION_ID", "42"),
            ("BUDDY_EXECUTION_REVISION", COMMIT),
            ("BUDDY_EXECUTION_TAG", "v1.2.4"),
            ("BUDDY_SCM_URL", GITHUB),
            (
                "BUDDY_EXECUTION_URL",
                "https://app.buddy.works/team/app/pipelines/pipeline/1/execution/42",
            ),
        ],
        facts: [
            GITHUB,
            "v1.2.4",
            COMMIT,
            "https://app.buddy.works/team/app/pipelines/pipeline/1/execution/42",
        ],
    },
    Fixture {
        name: "Codeship",
        variables: &[
            ("CI_NAME", "codeship"),
            ("CI_COMMIT_ID", COMMIT),
            (
                "CI_BUILD_URL",
                "https://app.codeship.com/projects/1/builds/42",
            ),
        ],
        facts: [
            "",
            "",
            COMMIT,
            "https://app.codeship.com/projects/1/builds/42",
        ],
    },
    Fixture {
        name: "Bamboo",
        variables: &[
            ("bamboo_planKey", "APP-MAIN"),
            ("bamboo_planRepository_1_revision", COMMIT),
            (
                "bamboo_planRepository_1_repositoryUrl",
                "git@github.com:team/app.git",
            ),
            (
                "bamboo_buildResultsUrl",
                "https://bamboo.example.org/browse/APP-MAIN-42",
            ),
        ],
        facts: [
            GITHUB,
            "",
            COMMIT,
            "https://bamboo.example.org/browse/APP-MAIN-42",
        ],
    },
    Fixture {
        name: "Vela",
        variables: &[
            ("VELA", "true"),
            ("VELA_BUILD_COMMIT", COMMIT),
            ("VELA_BUILD_TAG", "v1.2.4"),
            ("VELA_REPO_LINK", GITHUB),
            ("VELA_BUILD_LINK", "https://vela.example.org/team/app/42"),
        ],
        facts: [
            GITHUB,
            "v1.2.4",
            COMMIT,
            "https://vela.example.org/team/app/42",
        ],
    },
    Fixture {
        name: "Screwdriver",
        variables: &[
            ("SCREWDRIVER", "true"),
            ("SD_BUILD_SHA", COMMIT),
            ("SCM_URL", "git@github.com:team/app.git#main"),
            (
                "SD_UI_BUILD_URL",
                "https://cd.screwdriver.cd/pipelines/1/builds/42",
            ),
        ],
        facts: [
            GITHUB,
            "",
            COMMIT,
            "https://cd.screwdriver.cd/pipelines/1/builds/42",
        ],
    },
    Fixture {
        name: "Vercel",
        variables: &[
            ("VERCEL", "1"),
            ("VERCEL_GIT_COMMIT_SHA", COMMIT),
            ("VERCEL_GIT_PROVIDER", "gitlab"),
            ("VERCEL_GIT_REPO_OWNER", "team"),
            ("VERCEL_GIT_REPO_SLUG", "app"),
        ],
        facts: ["https://gitlab.com/team/app", "", COMMIT, ""],
    },
    Fixture {
        name: "Netlify",
        variables: &[
            ("NETLIFY", "true"),
            ("COMMIT_REF", COMMIT),
            ("REPOSITORY_URL", GITHUB),
            ("SITE_NAME", "app"),
            ("DEPLOY_ID", "0aa7"),
        ],
        facts: [
            GITHUB,
            "",
            COMMIT,
            "https://app.netlify.com/sites/app/deploys/0aa7",
        ],
    },
    Fixture {
        name: "Cloudflare Pages",
        variables: &[("CF_PAGES", "1"), ("CF_PAGES_COMMIT_SHA", COMMIT)],
        facts: ["", "", COMMIT, ""],
    },
    Fixture {
        name: "Render",
        variables: &[
            ("RENDER", "true"),
            ("RENDER_GIT_COMMIT", COMMIT),
            ("RENDER_GIT_REPO_SLUG", "team/app"),
        ],
        facts: ["", "", COMMIT, ""],
    },
    Fixture {
        name: "Prow",
        variables: &[
            ("PROW_JOB_ID", "0aa7"),
            ("PULL_BASE_SHA", MERGE),
            ("PULL_PULL_SHA", COMMIT),
            ("REPO_OWNER", "team"),
            ("REPO_NAME", "app"),
        ],
        facts: [GITHUB, "", COMMIT, ""],
    },
    Fixture {
        name: "GoCD",
        variables: &[
            ("GO_PIPELINE_NAME", "app"),
            ("GO_REVISION", COMMIT),
            ("GO_SERVER_URL", "https://go.example.org:8154/go/"),
            ("GO_PIPELINE_COUNTER", "42"),
            ("GO_STAGE_NAME", "build"),
            ("GO_STAGE_COUNTER", "1"),
        ],
        facts: [
            "",
            "",
            COMMIT,
            "https://go.example.org:8154/go/pipelines/app/42/build/1",
        ],
    },
    Fixture {
        name: "sourcehut",
        variables: &[
            ("CI_NAME", "sourcehut"),
            ("JOB_URL", "https://builds.sr.ht/~team/job/42"),
        ],
        facts: ["", "", "", "https://builds.sr.ht/~team/job/42"],
    },
    Fixture {
        name: "Heroku",
        variables: &[("SOURCE_VERSION", COMMIT)],
        facts: ["", "", COMMIT, ""],
    },
];
