import { execa } from "execa";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type Run, succeeded } from "./run.ts";
import { record } from "./record-preview.ts";

const ROOT = join(import.meta.dirname, "../..");

/**
 * `npm run preview:markdown` on what plain pulumi prints.
 * @param inLab runs commands in a shell that has evaluated what `lab env` prints
 */
export function previewComments(inLab: (commands: string) => Promise<Run>): void {
    /** The output of `pulumi preview --json` with other settings, which are not kept. */
    const previewWith = (settings: Record<string, string>) =>
        inLab(`file=$(mktemp --suffix=.yaml)
            trap 'rm "$file"' EXIT
            cp "$PULUMI_OPTION_CONFIG_FILE" "$file"
            export PULUMI_OPTION_CONFIG_FILE="$file"
            ${Object.entries(settings)
                .map(([name, value]) => `pulumi config set ${name} '${value}' >&2`)
                .join("\n")}
            pulumi preview --json`);
    const commentOn = async (preview: string): Promise<Run> => {
        const args = ["run", "--silent", "preview:markdown", "--", "--stack", "lab"];
        const {
            exitCode = -1,
            stdout,
            stderr,
        } = await execa("npm", args, { cwd: ROOT, input: preview, reject: false });
        return { exitCode, stdout, stderr };
    };

    test("a preview becomes a comment with the lines that change, and the names of what is secret", async () => {
        const settings = {
            collectorsExpected: "40000",
            "--path linkmeshEnvironment.SMTP_PASSWORD": "correct horse",
            httpsAllowedCidrs: "198.51.100.0/24",
        };
        const preview = succeeded(await previewWith(settings));
        record("settings", preview);
        const comment = succeeded(await commentOn(preview));
        expect(comment).toMatch(/^### Preview of `lab`: 2 deleted, 3 updated, 1 created\n/m);
        expect(comment).toMatch(/^- LinkMesh restarts\. .*\n- nginx reloads, /m);
        expect(comment).toContain("\n+    server 127.0.0.2:8080 max_fails=0;\n");
        expect(comment).toContain("**Step `environment`**: its text is secret. What changes: `entries`\n");
        expect(comment).not.toMatch(/correct horse|PRIVATE KEY/);
        expect(comment.split("\n").length).toBeLessThan(100);
    });

    test("a preview that replaces the machine becomes a comment that begins with it", async () => {
        const preview = succeeded(await previewWith({ instanceType: "t3.medium" }));
        record("replacement", preview);
        const [, title, , , alarm] = succeeded(await commentOn(preview)).split("\n");
        expect(title).toBe("### Preview of `lab`: 15 replaced");
        expect(alarm).toMatch(
            /^> - \*\*The machine is replaced\. .*\(`linkmesh-machine-instance`, because of `instanceType`\)$/,
        );
    });

    test("a preview that fails becomes a comment with the error", async () => {
        const run = await commentOn((await previewWith({ collectorExpected: "1" })).stdout);
        expect(run.exitCode).toBe(2);
        expect(run.stderr).toBe("error: the preview failed: the comment has its errors.");
        expect(run.stdout).toMatch(
            /#### Errors\n\n```text\ncollectorExpected is not a setting\. Did you mean collectorsExpected\?/,
        );
        expect(run.stdout).not.toMatch(/^\s+at /m);
    });
}
