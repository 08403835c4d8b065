import { describe, expect, it } from "vitest";
import { failureSentence } from "../../lab/engine/failure.ts";

const COMMAND =
    "urn:pulumi:lab::linkmesh-proxy::linkmesh-proxy:index:LinkMeshProxy$command:remote:Command::linkmesh-nginx";
const STACK = "urn:pulumi:lab::linkmesh-proxy::pulumi:pulumi:Stack::linkmesh-proxy-lab";
const RECORD = "urn:pulumi:lab::linkmesh-proxy::aws:route53/record:Record::linkmesh-dns-a";

const step = (message: string) => failureSentence([{ urn: COMMAND, step: "nginx", message }], "");

describe("failureSentence", () => {
    it.each([
        [
            "a step's own sentence",
            'error: Process exited with status 1: running "sudo timeout --kill-after=30 300 bash -s -- nginx":\nnginx: [emerg] bad\nerror: port 443 is taken by apache2: stop it\n',
            "step nginx: port 443 is taken by apache2: stop it",
        ],
        [
            "quotes and colons in the command",
            'Process exited with status 7: running "sudo sh -c \\"echo a: \\\\\\"b\\\\\\"\\"":\nlast words',
            "step nginx: last words",
        ],
        [
            "no output",
            'Process exited with status 3: running "x":\n',
            "step nginx: ended with status 3 and said nothing",
        ],
        [
            "a time-out",
            'Process exited with status 124: running "x":\nReading lists',
            "step nginx: did not finish in time; its last line: Reading lists",
        ],
        [
            "a connection",
            "error: after 3 failed attempts: dial tcp 10.77.129.1:22: connection refused",
            "step nginx: after 3 failed attempts: dial tcp 10.77.129.1:22: connection refused",
        ],
        [
            "a signal",
            'Process exited with status 137 from signal KILL: running "x":\n',
            "step nginx: ended with status 137 and said nothing",
        ],
    ])("step: %s", (_, message, sentence) => {
        expect(step(message)).toBe(sentence);
    });

    it("uses the program's own sentence about a step, which comes first", () => {
        const said = { urn: RECORD, message: "error: step nginx: nothing listens (after 1 failed attempts)\n" };
        const error = { urn: COMMAND, step: "nginx", message: "after 1 failed attempts" };
        expect(failureSentence([said, error], "")).toBe("step nginx: nothing listens (after 1 failed attempts)");
    });

    it("names the machine of a step if there are several", () => {
        const message = 'Process exited with status 1: running "x":\nerror: no room on /srv\n';
        const failed = {
            urn: COMMAND.replace("linkmesh-nginx", "linkmesh-node-2-nginx"),
            step: "nginx on node-2",
            message,
        };
        expect(failureSentence([failed], "")).toBe("step nginx on node-2: no room on /srv");
        const said = {
            urn: RECORD,
            message: "error: step nginx on node-2: nothing listens (after 1 failed attempts)\n",
        };
        expect(failureSentence([said, failed], "")).toBe(
            "step nginx on node-2: nothing listens (after 1 failed attempts)",
        );
    });

    it("names a cloud resource and its type", () => {
        expect(failureSentence([{ urn: RECORD, message: "error: the record exists\n  at x" }], "")).toBe(
            "linkmesh-dns-a (Record): the record exists",
        );
    });

    it("prefers the resource's error to its consequences", () => {
        const diagnostics = [
            { urn: STACK, message: "error: update failed" },
            { urn: RECORD, message: "the record exists" },
        ];
        expect(failureSentence(diagnostics, "")).toMatch(/the record exists/);
    });

    it("has a line for every wrong setting, and no stack trace", () => {
        expect(failureSentence([{ urn: STACK, message: "domain is missing.\ntags must be an object." }], "")).toBe(
            "domain is missing.\ntags must be an object.",
        );
        expect(
            failureSentence(
                [
                    {
                        urn: STACK,
                        message:
                            "error: Running program '/x' failed with an unhandled exception:\nError: boom here\n    at /x/index.ts:3:5",
                    },
                ],
                "",
            ),
        ).toBe("boom here");
    });

    it.each([
        ["error: could not decrypt:\n  incorrect passphrase", "could not decrypt: incorrect passphrase"],
        ["warning: x\nerror: no stack named 'lab' found\n", "no stack named 'lab' found"],
        ["", "the engine ended without a message"],
    ])("uses the CLI's error if there is no other: %j", (stderr, sentence) => {
        expect(failureSentence([], stderr)).toBe(sentence);
    });
});
