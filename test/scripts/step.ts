import { execFileSync, spawnSync } from "node:child_process";
import {
    existsSync,
    lstatSync,
    mkdirSync,
    mkdtempSync,
    readFileSync,
    readdirSync,
    readlinkSync,
    rmSync,
    symlinkSync,
    writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, onTestFinished } from "vitest";
import { readScript } from "../../components/host/render/script.ts";
import { renderStep } from "../../components/host/render/step.ts";

export interface Given {
    /** Shell variables, as the program gives them. */
    variables?: Readonly<Record<string, string>>;
    /** The step's files. */
    files?: Readonly<Record<string, string>>;
    /** Files of the machine by path: a text, or the target of a link. */
    machine?: Readonly<Record<string, string | { link: string }>>;
    /** Commands by name, each as the body of a shell function; beside the common ones. */
    stubs?: Readonly<Record<string, string>>;
    /** Shell that runs in place of the step's own main, which it may call as main_of_the_step. */
    main?: string;
}

export interface Ran {
    status: number | null;
    /** Lines that begin with "error: ". */
    errors: string[];
    stdout: string;
    stderr: string;
    /** What the stubs were called with, in order. */
    calls: string[];
    /** What it has left in /tmp. */
    left: string;
}

/** The steps' own places, of which a test's machine has nothing yet. */
const PLACES = [
    "/etc/apt/sources.list.d",
    "/etc/letsencrypt",
    "/etc/linkmesh",
    "/etc/linkmesh-proxy",
    "/etc/nginx",
    "/etc/sysctl.d",
    "/srv",
    "/var/lib/linkmesh",
    "/var/lib/linkmesh-proxy",
];

/** Commands that would reach this machine's services, and those that answer for them. Each notes its call. */
const COMMON: Record<string, string> = {
    // Active units are files of /stub/active.
    systemctl: `case "$*" in
        *show*NRestarts*) echo 0 ;;
        *show*MainPID*) echo 0 ;;
        is-active*) [ -e "/stub/active/\${!#}" ] ;;
        is-failed* | is-enabled*) false ;;
        start* | restart*) touch "/stub/active/\${!#}" ;;
        stop*) rm -f "/stub/active/\${!#}" ;;
        esac`,
    nginx: "true",
    "apt-get": "true",
    "apt-mark": "true",
    sysctl: "true",
    ss: "true",
    curl: "false",
    sleep: "true",
};

/** Keeps a step's main under another name. */
const OWN_MAIN = `eval "main_of_the_step$(declare -f main | tail -c +5)"`;

/** The step's own main, which looks once where it would wait. */
export const IMPATIENT = { main: `wait_until() { shift; "$@"; }\nmain_of_the_step` };

/**
 * A machine of a test's own: this one's files below a layer that takes what is written, seen by the step alone. What
 * it has written stays from one run to the next.
 */
export class Machine {
    // In memory, where a flush costs nothing.
    readonly #dir = mkdtempSync("/dev/shm/step-");
    readonly #root = join(this.#dir, "written");

    constructor(private readonly given: Given & { step: string }) {
        makeLayers(this.#dir);
        for (const [path, content] of Object.entries(given.machine ?? {})) this.write(path, content);
        onTestFinished(() => rmSync(this.#dir, { recursive: true, force: true }));
    }

    /** Runs the step as it is sent to a machine, with what differs from the machine's own. */
    run(differs: Given & { prefix?: string } = {}): Ran {
        const { given } = this;
        const main = differs.main ?? given.main;
        const script = readScript(given.step);
        const text = renderStep(
            {
                name: given.step,
                variables: { ...given.variables, ...differs.variables },
                files: { ...given.files, ...differs.files },
            },
            main === undefined ? script : `${script}\n${OWN_MAIN}\nmain() {\n${main}\n}\n`,
        );
        for (const [path, content] of Object.entries(differs.machine ?? {})) this.write(path, content);
        rmSync(`${this.#root}/stub/bin`, { recursive: true, force: true });
        for (const [name, body] of Object.entries({ ...COMMON, ...given.stubs, ...differs.stubs })) {
            const stub = `#!/bin/bash\necho "${name} $*" >>/stub/calls\n${body}\n`;
            this.write(`/stub/bin/${name}`, stub, 0o755);
        }
        this.write("/stub/calls", "");
        const { status, stdout, stderr } = this.#enter(
            `PATH=/stub/bin:$PATH ${differs.prefix ?? ""} bash -s; status=$?; ls /tmp >/stub/left; exit $status`,
            text,
        );
        return {
            status,
            stdout,
            stderr,
            errors: stderr.split("\n").filter((line) => line.startsWith("error: ")),
            calls: this.read("/stub/calls")!.trimEnd().split("\n"),
            left: this.read("/stub/left")!,
        };
    }

    /** A file's text, a link as "-> TARGET"; undefined for one that is not there. */
    read(path: string): string | undefined {
        const stat = lstatSync(this.#root + path, { throwIfNoEntry: false });
        if (stat?.isSymbolicLink()) return `-> ${readlinkSync(this.#root + path)}`;
        return stat?.isFile() ? readFileSync(this.#root + path, "utf8") : undefined;
    }

    mode(path: string): string {
        return (lstatSync(this.#root + path).mode & 0o7777).toString(8);
    }

    /** Everything below the steps' places, by path, to compare one moment with another. */
    files(): Record<string, string> {
        const found: Record<string, string> = {};
        const visit = (path: string) => {
            for (const entry of readdirSync(this.#root + path, { withFileTypes: true })) {
                const below = `${path}/${entry.name}`;
                if (entry.isDirectory()) visit(below);
                else if (this.read(below) !== undefined) found[below] = this.read(below)!;
            }
        };
        for (const path of ["/etc", "/srv", "/var"]) if (existsSync(this.#root + path)) visit(path);
        delete found["/var/lib/linkmesh-proxy/lock"];
        return found;
    }

    write(path: string, content: string | { link: string }, mode = 0o644): void {
        const file = this.#root + path;
        mkdirSync(dirname(file), { recursive: true });
        rmSync(file, { force: true });
        if (typeof content === "string") writeFileSync(file, content, { mode });
        else symlinkSync(content.link, file);
    }

    /** Every path that was ever written or deleted on the machine, and when. */
    written(): string[] {
        const paths = readdirSync(this.#root, { recursive: true, encoding: "utf8" });
        return paths.map((path) => `${path} ${lstatSync(join(this.#root, path)).ctimeMs}`).sort();
    }

    /** Runs shell on the machine. */
    sh(command: string): string {
        const { status, stdout, stderr } = this.#enter(command);
        if (status !== 0) throw new Error(`${command}: ${stderr}`);
        return stdout;
    }

    #enter(command: string, input = "") {
        return enter(this.#dir, `${(emptied ??= emptyPlaces())}/written:/`, command, input);
    }
}

/** A layer that hides what this machine has in the steps' places, made once for all tests of a file. */
let emptied: string | undefined;
afterAll(() => {
    if (emptied !== undefined) rmSync(emptied, { recursive: true, force: true });
    emptied = undefined;
});

function emptyPlaces(): string {
    const dir = mkdtempSync("/dev/shm/empty-");
    makeLayers(dir);
    const { status, stderr } = enter(
        dir,
        "/",
        `rm -rf /etc/fstab ${PLACES.join(" ")} && mkdir -p ${PLACES.join(" ")} /stub/active`,
    );
    if (status !== 0) throw new Error(`the tests need root, and overlay mounts: ${stderr}`);
    return dir;
}

function makeLayers(dir: string): void {
    for (const name of ["written", "work", "root"]) mkdirSync(join(dir, name));
}

/** Runs shell in a mount namespace of its own, whose root has `dir`'s layer on top. */
function enter(dir: string, lower: string, command: string, input = "") {
    const script = `cd ${dir} && mount -t overlay overlay -o lowerdir=${lower},upperdir=written,workdir=work root &&
        for path in dev proc sys; do mount --rbind /$path root/$path; done &&
        mount -t tmpfs tmpfs root/tmp && exec chroot root bash -c "$1"`;
    const ran = spawnSync("unshare", ["--mount", "--", "sh", "-c", script, "sh", command], { input });
    return { status: ran.status, stdout: text(ran.stdout), stderr: text(ran.stderr) };
}

/** Fails as Pulumi's provider does with what is no UTF-8. */
function text(output: Buffer): string {
    return new TextDecoder("utf-8", { fatal: true }).decode(output);
}

/** A key and its certificate for names, in PEM form. */
export function selfSigned(...names: string[]): { key: string; certificate: string } {
    const dir = mkdtempSync(join(tmpdir(), "pem-"));
    const extension = `subjectAltName=${names.map((name) => `DNS:${name}`).join(",")}`;
    const args = [
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-subj",
        `/CN=${names[0]}`,
    ];
    execFileSync("openssl", [...args, "-addext", extension, "-keyout", `${dir}/key`, "-out", `${dir}/pem`], {
        stdio: "ignore",
    });
    const made = { key: readFileSync(`${dir}/key`, "utf8"), certificate: readFileSync(`${dir}/pem`, "utf8") };
    rmSync(dir, { recursive: true });
    return made;
}
