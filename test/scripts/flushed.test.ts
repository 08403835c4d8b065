import { expect, test } from "vitest";
import { Machine } from "./step.ts";

/**
 * That a new file holds after power is cut needs four calls in this order: its content written, the file flushed, it
 * renamed over the old one, the folder flushed. See docs/operations.md for what this does not show.
 */
const places: [string, string, string, string?][] = [
    ["a file of nginx's, or any other", "install_file /etc/nginx/a.conf <<<new", "/etc/nginx/a.conf"],
    ["the package in use", 'record "$PACKAGES/in-use" <<<"two 2.0"', "/srv/linkmesh/package/in-use"],
    ["the ledger of orders", 'record /srv/linkmesh/identity/orders <<<"1 d n"', "/srv/linkmesh/identity/orders"],
    ["config.yaml", "swap_content /etc/linkmesh/config.yaml <(echo new)", "/etc/linkmesh/config.yaml"],
    [
        "the copy of the old config.yaml",
        "restart_linkmesh() { true; }; change_linkmesh_file /etc/linkmesh/config.yaml /etc/hostname",
        "/var/lib/linkmesh-proxy/previous/config.yaml",
    ],
    [
        "what a failed step puts back",
        "keep /etc/linkmesh/config.yaml; echo new >/etc/linkmesh/config.yaml; fail no",
        "/etc/linkmesh/config.yaml",
    ],
    [
        "the link to the current configuration",
        "make_current /etc/nginx/linkmesh two",
        "/etc/nginx/linkmesh/current",
        "link",
    ],
    [
        "the link that is put back",
        "keep /etc/nginx/linkmesh/current; ln -sfn two /etc/nginx/linkmesh/current; fail no",
        "/etc/nginx/linkmesh/current",
        "link",
    ],
];

test.each(places)(
    "%s is written, flushed and renamed, and its folder flushed, in that order",
    (_, main, path, kind = "file") => {
        const machine = new Machine({
            step: "ready",
            machine: {
                "/etc/linkmesh/config.yaml": "old\n",
                "/etc/nginx/linkmesh/current": { link: "one" },
                "/srv/linkmesh/package/in-use": "one 1.0\n",
            },
        });
        // A file for each process, because the calls of two at a time would be cut into pieces.
        const output = "--output-separately --output=/stub/trace --absolute-timestamps=format:unix,precision:ns";
        const trace = "--trace=write,fsync,symlink,symlinkat,rename,renameat,renameat2,copy_file_range";
        machine.run({ main, prefix: `strace --follow-forks ${output} --decode-fds=path ${trace}` });
        const calls = machine.sh("LC_ALL=C sort /stub/trace.*").split("\n");
        const folder = path.replace(/\/[^/]+$/, "");
        const renamed = calls.findIndex((call) => new RegExp(`rename.*"([^"]+)".*"${path}"`).test(call));
        const [, beside] = /"([^"]+)"/.exec(calls[renamed] ?? "") ?? [];
        expect(beside?.startsWith(`${folder}/`), calls.join("\n")).toBe(true);
        const before = calls.slice(0, renamed).map((call) => call.replaceAll(beside!, "NEW"));
        const flushed = before.findLastIndex((call) => /fsync\(\d+<NEW>\)\s+= 0/.test(call));
        const written = before.findLastIndex((call) =>
            (kind === "link" ? /symlink(at)?\(.*"NEW"/ : /(write\(\d+<NEW>|copy_file_range\(.*<NEW>)/).test(call),
        );
        expect(written).toBeGreaterThan(-1);
        if (kind === "file") expect(flushed).toBeGreaterThan(written);
        expect(calls.slice(renamed)).toContainEqual(
            expect.stringMatching(new RegExp(`fsync\\(\\d+<${folder}>\\)\\s+= 0`)),
        );
    },
);
