import { execa } from "execa";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "yaml";
import { beforeAll, describe, expect, test } from "vitest";
import { actionlint, zizmor } from "./linters/linters.ts";
import { ROOT, repositoryOf, runScript, scriptOf, workflows } from "./workflows.ts";

const CALLERS = ["linkmesh.yml", "linkmesh-nightly.yml"];
const files = workflows();
let commands: { actionlint: string; zizmor: string };

beforeAll(async () => {
    commands = { actionlint: await actionlint(), zizmor: await zizmor() };
});

async function findings(repository: { root: string; directory: string }): Promise<Record<string, string>> {
    const options = { cwd: repository.root, reject: false, all: true } as const;
    const [actions, security] = await Promise.all([
        execa(commands.actionlint, ["-no-color"], options),
        execa(
            commands.zizmor,
            ["--offline", "--config", join(ROOT, ".github/zizmor.yml"), "--format", "json", repository.directory],
            options,
        ),
    ]);
    const found = JSON.parse(security.stdout) as { ident: string }[];
    return { actionlint: actions.all, zizmor: found.map(({ ident }) => ident).join() };
}

describe("the workflows, with those that docs/pull-requests.md shows", () => {
    test("are all there", () => {
        const own = ["preview.yml", "up.yml", "recreate.yml", "drift.yml", "ci.yml", "release.yml"];
        expect([...files.keys()].sort()).toEqual([...own, ...CALLERS].sort());
    });

    test("actionlint, with shellcheck, and zizmor find nothing", async () => {
        const repository = repositoryOf(files);
        try {
            expect(await findings(repository)).toEqual({ actionlint: "", zizmor: "" });
        } finally {
            repository.remove();
        }
    });

    test("pin every action to a commit, and name its version", () => {
        const uses = [...files].flatMap(([name, text]) =>
            [...text.matchAll(/^.*\buses: (?!\.\/)(.*)$/gm)].map(([, action]) => `${name}: ${action}`),
        );
        expect(uses.length).toBeGreaterThan(15);
        expect(uses.filter((use) => !/^\S+ [\w.-]+\/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(use))).toEqual([]);
        // One version of each.
        expect(new Set(uses.map((use) => use.split(" ")[1])).size).toBe(7);
    });

    test.each<[string, string, string, string, RegExp]>([
        ["an input that does not exist", "preview.yml", "inputs.stack }}-", "inputs.stak }}-", /property \\"stak\\"/],
        ["a call without a stack", CALLERS[1]!, "      stack: staging\n", "", /input \\"stack\\" is required/],
        ["a script without quotes", "up.yml", '--stack "$STACK"', "--stack $STACK", /SC2086/],
        ["an action without a commit", "up.yml", "@3d3c42e5aac5ba805825da76410c181273ba90b1", "@v7", /unpinned-uses/],
        ["a token that stays", "ci.yml", "        with:\n          persist-credentials: false\n", "", /artipacked/],
        ["an expression in a script", "up.yml", '"$STACK"', "${{ inputs.stack }}", /template-injection/],
    ])("the linters see %s", async (_, file, right, wrong, expected) => {
        const text = files.get(file)!;
        expect(text).toContain(right);
        const repository = repositoryOf(new Map([...files, [file, text.replaceAll(right, () => wrong)]]));
        try {
            expect(JSON.stringify(await findings(repository))).toMatch(expected);
        } finally {
            repository.remove();
        }
    });
});

test("an update shares its group with the re-creation only, so that no other job cancels one that waits", () => {
    const groups = ["up.yml", "recreate.yml", "drift.yml"].map(
        (name) => (parse(files.get(name)!) as { concurrency: { group: string } }).concurrency.group,
    );
    expect(groups[1]).toBe(groups[0]);
    expect(groups[2]).not.toBe(groups[0]);
});

test("nobody is asked to approve an update before there is a preview of it", () => {
    const { jobs } = parse(files.get("up.yml")!) as { jobs: Record<string, { environment?: string; needs?: string }> };
    expect(Object.keys(jobs)).toEqual(["preview", "up"]);
    expect([jobs.preview!.environment, jobs.up!.needs]).toEqual([undefined, "preview"]);
    expect(readFileSync(join(ROOT, "docs/gitlab.md"), "utf8")).toMatch(/^up:\n {2}needs: \[preview-main\]$/m);
});

test.each([
    [0, 0, 0],
    [255, 2, 2],
    [255, 0, 255],
])(
    "the preview of an update ends as it should: pulumi with %i, the comment with %i, the job with %i",
    (pulumi, npm, expected) => {
        const directory = mkdtempSync(join(tmpdir(), "linkmesh-runner-"));
        try {
            const GITHUB_STEP_SUMMARY = join(directory, "summary");
            const stubs = { pulumi: `exit ${pulumi}`, npm: `echo '### Preview'; exit ${npm}` };
            const script = scriptOf("up.yml", "preview", "Preview");
            expect(runScript(script, stubs, { STACK: "staging", GITHUB_STEP_SUMMARY }).status).toBe(expected);
            expect(readFileSync(GITHUB_STEP_SUMMARY, "utf8")).toBe("### Preview\n");
        } finally {
            rmSync(directory, { recursive: true });
        }
    },
);

test("an update may take as long as its caller says, and the role's session lasts as long", () => {
    const { on, jobs } = parse(files.get("up.yml")!) as {
        on: { workflow_call: { inputs: Record<string, object> } };
        jobs: Record<string, { steps: { with?: object }[] }>;
    };
    expect(on.workflow_call.inputs["timeout-minutes"]).toMatchObject({ type: "number", default: 60 });
    expect(jobs.up).toMatchObject({ "timeout-minutes": "${{ inputs.timeout-minutes }}" });
    const session = { "role-duration-seconds": "${{ steps.session.outputs.seconds }}" };
    expect(jobs.up!.steps.map((step) => step.with)).toContainEqual(expect.objectContaining(session));
    const script = `${scriptOf("up.yml", "up", "Seconds")}\ncat output`;
    expect(runScript(script, {}, { MINUTES: "180", GITHUB_OUTPUT: "output" }).output).toBe("seconds=10800\n");
});

test("every npm script that a workflow or the pipeline runs exists", () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { scripts: object };
    const texts = [...files.values(), readFileSync(join(ROOT, "docs/gitlab.md"), "utf8")];
    const names = texts.flatMap((text) =>
        [...text.matchAll(/npm run (?:--silent )?([\w:-]+)/g)].map(([, name]) => name!),
    );
    expect(new Set(names)).toEqual(new Set(["preview:markdown", "check", "drift", "release-notes"]));
    expect(names.filter((name) => !Object.hasOwn(scripts, name))).toEqual([]);
});

describe("the pipeline that docs/gitlab.md shows", () => {
    const page = readFileSync(join(ROOT, "docs/gitlab.md"), "utf8");
    const {
        workflow,
        variables,
        default: preset,
        ...all
    } = parse(/^```yaml\n([^]*?)^```$/m.exec(page)![1]!) as Record<string, object>;
    const jobs = Object.entries(
        all as Record<string, { script: unknown[]; rules: object[]; resource_group?: string }>,
    ).filter(([name]) => !name.startsWith("."));

    test("has the jobs of the workflows; only a preview may run beside another", () => {
        expect(jobs.map(([name]) => name)).toEqual(["preview", "preview-main", "up", "recreate", "drift"]);
        expect(jobs.filter(([, job]) => !job.resource_group).map(([name]) => name)).toEqual([
            "preview",
            "preview-main",
        ]);
        expect([workflow, variables, preset]).not.toContain(undefined);
    });

    test.each(jobs)("%s has a script that shellcheck takes", async (_, { script }) => {
        const text = ["#!/bin/bash", "set -e", ...(script.flat(Infinity) as string[]), ""].join("\n");
        const { stdout, exitCode } = await execa("shellcheck", ["-"], { input: text, reject: false });
        expect(stdout).toBe("");
        expect(exitCode).toBe(0);
    });
});

describe("the comment of a preview", () => {
    test.each([
        [0, 0, 0],
        [255, 2, 2],
        [255, 0, 255],
    ])(
        "reaches the job that posts it when pulumi ends with %i and the comment with %i; the job ends with %i",
        (pulumi, npm, expected) => {
            const directory = mkdtempSync(join(tmpdir(), "linkmesh-runner-"));
            try {
                const [GITHUB_OUTPUT, GITHUB_STEP_SUMMARY] = [join(directory, "output"), join(directory, "summary")];
                const stubs = {
                    pulumi: `echo '{}'; exit ${pulumi}`,
                    npm: `printf '%s\\n' '### Preview' '- x'; exit ${npm}`,
                };
                const script = scriptOf("preview.yml", "preview", "Preview");
                const { status, calls } = runScript(script, stubs, {
                    STACK: "staging",
                    GITHUB_OUTPUT,
                    GITHUB_STEP_SUMMARY,
                });
                expect(status).toBe(expected);
                expect(calls).toEqual([
                    "pulumi preview --non-interactive --json --stack staging",
                    "npm run --silent preview:markdown -- preview.json --stack staging",
                ]);
                expect(readFileSync(GITHUB_OUTPUT, "utf8")).toMatch(
                    /^comment<<([0-9a-f]{32})\n### Preview\n- x\n\1\n$/,
                );
                expect(readFileSync(GITHUB_STEP_SUMMARY, "utf8")).toBe("### Preview\n- x\n");
            } finally {
                rmSync(directory, { recursive: true });
            }
        },
    );

    const MARKER = "<!-- linkmesh-proxy preview of staging -->";
    const script = scriptOf("preview.yml", "comment", "Comment");
    /** Comments on the pull request, newest last, in two pages as GitHub sends them. */
    const run = (
        comments: { id: number; login: string; body: string }[],
        comment = `${MARKER}\n### Preview of \`staging\`: no changes\n`,
    ) => {
        const page = (some: typeof comments) =>
            JSON.stringify(some.map(({ login, ...one }) => ({ ...one, user: { login } })));
        return runScript(
            script,
            {
                gh: `[[ $* == *--paginate* ]] || exit 0\ncat <<'END'\n${page(comments.slice(0, 1))}${page(comments.slice(1))}\nEND`,
            },
            {
                GITHUB_REPOSITORY: "acme/linkmesh",
                NUMBER: "7",
                COMMENT: comment,
                STACK: "staging",
                HEAD: "c0ffee",
                GITHUB_SERVER_URL: "https://github.com",
                GITHUB_RUN_ID: "9",
            },
        );
    };
    const bot = "github-actions[bot]";

    test("is added if there is none of this stack by the workflow", () => {
        const { status, calls, output } = run([
            { id: 1, login: "mallory", body: `${MARKER}\nmine` },
            { id: 2, login: bot, body: "<!-- linkmesh-proxy preview of production -->\nanother stack" },
        ]);
        expect(status, output).toBe(0);
        expect(calls).toHaveLength(2);
        expect(calls[1]).toMatch(
            /^gh api --silent --method POST repos\/acme\/linkmesh\/issues\/7\/comments --raw-field /,
        );
        expect(calls[1]).toContain("no changes");
        expect(calls[1]).toContain("Of the commit c0ffee.");
    });

    test("takes the place of the one before also if the job failed before the preview", () => {
        const { status, calls, output } = run([{ id: 2, login: bot, body: `${MARKER}\nold` }], "");
        expect(status, output).toBe(0);
        expect(calls[1]).toContain("--method PATCH repos/acme/linkmesh/issues/comments/2 ");
        expect(calls[1]).toContain("none, the job failed before it");
        expect(calls[1]).toContain("https://github.com/acme/linkmesh/actions/runs/9");
        expect(calls[1]).toContain("Of the commit c0ffee.");
    });

    test("is posted whatever the preview's end, but not for a fork", () => {
        const { jobs } = parse(files.get("preview.yml")!) as { jobs: Record<string, { if: string }> };
        expect(jobs.comment!.if).toBe("${{ !cancelled() && needs.preview.result != 'skipped' }}");
    });

    test("takes the place of the one before", () => {
        const { status, calls, output } = run([
            { id: 1, login: "mallory", body: `${MARKER}\nmine` },
            { id: 2, login: bot, body: `${MARKER}\n### Preview of \`staging\`: 1 updated` },
        ]);
        expect(status, output).toBe(0);
        expect(calls[1]).toMatch(
            /^gh api --silent --method PATCH repos\/acme\/linkmesh\/issues\/comments\/2 --raw-field /,
        );
    });

    test("fails if GitHub does not answer", () => {
        const { status } = runScript(
            script,
            { gh: "exit 1" },
            { GITHUB_REPOSITORY: "acme/linkmesh", NUMBER: "7", COMMENT: MARKER, HEAD: "c0ffee" },
        );
        expect(status).not.toBe(0);
    });
});

describe("a release", () => {
    const { jobs } = parse(files.get("release.yml")!) as {
        jobs: Record<string, { permissions: Record<string, string>; steps: { uses?: string; run?: string }[] }>;
    };

    test("no job that may write runs the code of the repository or of its dependencies", () => {
        const writing = Object.values(jobs).filter(({ permissions }) => Object.values(permissions).includes("write"));
        expect(writing).toHaveLength(1);
        expect(
            writing[0]!.steps.map(({ uses, run }) => uses?.replace(/@.*/, "") ?? run!.split(" ").slice(0, 3).join(" ")),
        ).toEqual(["actions/download-artifact", "actions/attest", "gh release create"]);
    });

    test.each([
        ["is", 0],
        ["is not", 1],
        ["cannot be looked up whether it is", 128],
    ])("of a commit that %s on main", (_, git) => {
        const script = scriptOf("release.yml", "build", "Refuse a tag that is not on main");
        const { status, calls, output } = runScript(script, { git: `exit ${git}` }, { TAG: "v1.0.0" });
        expect(calls).toEqual(["git merge-base --is-ancestor HEAD origin/main"]);
        expect(status, output).toBe(git === 0 ? 0 : 1);
        expect(output.includes("the commit of v1.0.0 is not on main")).toBe(git !== 0);
    });
});
