import { execFileSync } from "node:child_process";
import { rmSync, truncateSync, writeFileSync } from "node:fs";
import { describe, expect, onTestFinished, test } from "vitest";
import { Machine, type Given } from "./step.ts";

const DATA = "/srv/linkmesh";
const HOME = "/var/lib/linkmesh";
const ASIDE = `${HOME}.before-linkmesh-proxy`;
let count = 0;

/** A real block device, whose content stays from one run to the next. @param prepare shell that gets it as $1 */
function blockDevice(prepare = "true"): string {
    const file = `/dev/shm/volume-${process.pid}-${count++}`;
    writeFileSync(file, "");
    truncateSync(file, 24 << 20);
    const device = execFileSync("losetup", ["--find", "--show", file], { encoding: "utf8" }).trim();
    onTestFinished(() => {
        execFileSync("losetup", ["--detach", device]);
        rmSync(file);
    });
    execFileSync("bash", ["-c", prepare, "sh", device], { stdio: ["ignore", "ignore", "inherit"] });
    return device;
}

/** ext4 with files, as a volume of this program has them. */
const ext4 = (label: string, write = "true") => `mkfs.ext4 -q -F -L ${label} "$1"
    unshare --mount -- sh -ec 'mount "$1" /mnt; cd /mnt; ${write}' sh "$1"`;
const identity = (owner: string, domain: string) => `mkdir identity; printf "%s\\n" ${owner} ${domain} >identity/host`;

const machine = (device: string, given: Given = {}) =>
    new Machine({
        step: "volume",
        variables: {
            DEVICE: device,
            DIRECTORIES: HOME,
            OWNER: "linkmesh-proxy/dev/linkmesh",
            DOMAIN: "linkmesh.example.com",
            SIZE: "10",
        },
        ...given,
    });
/** A partition of Linux in a table as of a PC, by its bytes. */
const PARTITIONED = String.raw`for at in '446 \0\0\0\0\203\0\0\0\1\0\0\0\20\0\0\0' '510 \125\252'; do
    printf "${"$"}{at#* }" | dd of="$1" bs=1 seek="${"$"}{at%% *}" conv=notrunc status=none; done; sync "$1"`;
const hash = (device: string) => execFileSync("md5sum", [device], { encoding: "utf8" });

/** Runs the step, and then shell that sees what it has mounted. */
const runAndSee = (on: Machine, see: string, differs: Given = {}) => {
    const ran = on.run({ ...differs, main: `main_of_the_step; ${see}` });
    expect(ran).toMatchObject({ status: 0, errors: [] });
    return ran;
};

describe("the device", () => {
    test("that is blank is formatted, mounted and marked with its owner, and the next run uses it as it is", () => {
        const device = blockDevice();
        const on = machine(device);
        const see = `echo mark >>${DATA}/mark; cat ${DATA}/mark ${DATA}/identity/host; findmnt -no SOURCE ${DATA}; stat -c %a ${DATA}/identity/host`;
        expect(runAndSee(on, see).stdout).toBe(
            `mark\nlinkmesh-proxy/dev/linkmesh\nlinkmesh.example.com\n${device}\n644\n`,
        );
        expect(runAndSee(on, see).stdout).toContain("mark\nmark\n");
        expect(on.read("/etc/fstab")).toBe(
            `# BEGIN linkmesh-proxy\n${device} ${DATA} ext4 defaults,nofail,x-systemd.device-timeout=60 0 2\n${DATA}/paths${HOME} ${HOME} none bind,nofail,x-systemd.requires-mounts-for=${DATA} 0 0\n# END linkmesh-proxy\n`,
        );
    });

    test("whose formatting was cut is formatted again", () => {
        const device = blockDevice(ext4("linkmesh-blank", "echo half >half"));
        expect(runAndSee(machine(device), `ls ${DATA}`).stdout).not.toContain("half");
    });

    test.each<[string, string, RegExp]>([
        [
            "another file system",
            'mkfs.ext4 -q -F -L photos "$1"',
            /holds a file system \(ext4\) that is not LinkMesh's: nothing on it was touched/,
        ],
        ["swap", 'mkswap "$1"', /holds a file system \(swap\) that is not LinkMesh's/],
        ["a partition table", PARTITIONED, /holds a file system that is not LinkMesh's/],
    ])("with %s it is left alone", (_, prepare, error) => {
        const device = blockDevice(prepare);
        const before = hash(device);
        const on = machine(device);
        expect(on.run().errors).toEqual([expect.stringMatching(error)]);
        expect([hash(device), on.read("/etc/fstab")]).toEqual([before, undefined]);
    });

    test("that cannot be read is not taken for a blank one", () => {
        const device = blockDevice('mkfs.ext4 -q -F -L photos "$1"');
        const before = hash(device);
        const ran = machine(device, { stubs: { blkid: "exit 2", wipefs: "exit 1" } }).run();
        expect(ran.errors).toEqual([expect.stringContaining("the step volume failed at")]);
        expect(hash(device)).toBe(before);
    });

    test.each<[string, string, string, boolean]>([
        ["this stack's, of this name", "linkmesh-proxy/dev/linkmesh", "linkmesh.example.com", true],
        ["this stack's, of another name", "linkmesh-proxy/dev/linkmesh", "other.example.com", true],
        ["another stack's, of this name", "linkmesh-proxy/other/linkmesh", "linkmesh.example.com", true],
        ["another stack's, of another name", "linkmesh-proxy/other/linkmesh", "other.example.com", false],
    ])("with data of %s is used: %s %s %s", (_, owner, domain, allowed) => {
        const device = blockDevice(ext4("linkmesh-data", identity(owner, domain)));
        const before = hash(device);
        const on = machine(device);
        const ran = on.run();
        expect(ran.status === 0).toBe(allowed);
        if (allowed) return;
        expect(ran.errors).toEqual([
            `error: the data volume ${device} holds the data of ${domain} (stack ${owner}), not of linkmesh.example.com (stack linkmesh-proxy/dev/linkmesh), so nothing on it was touched: give the stack a volume or a snapshot of its own.`,
        ]);
        expect([hash(device), on.read("/etc/fstab")]).toEqual([before, undefined]);
    });

    test("that is mounted already is looked at as well", () => {
        const device = blockDevice(
            ext4("linkmesh-data", identity("linkmesh-proxy/other/linkmesh", "other.example.com")),
        );
        const ran = machine(device).run({ main: `mkdir -p ${DATA}; mount ${device} ${DATA}; main_of_the_step` });
        expect(ran.errors).toEqual([expect.stringContaining("holds the data of other.example.com")]);
    });

    test("that cannot be mounted is an error", () => {
        const device = blockDevice(
            `${ext4("linkmesh-data")}; dd if=/dev/zero of="$1" bs=1k seek=2 count=64 conv=notrunc,fsync status=none`,
        );
        expect(machine(device).run().errors).toEqual([expect.stringMatching(/cannot be (read|mounted)/)]);
    });
});

describe("a directory's place on the volume", () => {
    const kept = `${DATA}/paths${HOME}`;
    const withData = (file: string, text: string) =>
        ext4("linkmesh-data", `mkdir -p paths${HOME}; echo ${text} >paths${HOME}/${file}`);

    test("the machine's own data move to the volume once, and are set aside as well", () => {
        const device = blockDevice();
        const on = machine(device, { machine: { [`${HOME}/db`]: "data\n" } });
        on.sh(`chown games:games ${HOME}; chmod 0750 ${HOME}`);
        expect(
            runAndSee(on, `cat ${HOME}/db; stat -c '%a %U' ${HOME}; echo more >${HOME}/db; cat ${kept}/db`).stdout,
        ).toBe("data\n750 games\nmore\n");
        expect(on.read(`${ASIDE}/db`)).toBe("data\n");
        expect(runAndSee(on, `cat ${HOME}/db`).stdout).toBe("more\n");
    });

    test("a machine without data has those of the volume", () => {
        const device = blockDevice(withData("db", "kept"));
        expect(runAndSee(machine(device), `cat ${HOME}/db`).stdout).toBe("kept\n");
    });

    test("data in both places are an error before anything is moved, mounted at boot or stopped", () => {
        const device = blockDevice(withData("db", "kept"));
        const other = "/var/lib/other";
        const on = machine(device, {
            variables: { DEVICE: device, DIRECTORIES: `${other}\n${HOME}`, OWNER: "o", DOMAIN: "d", SIZE: "10" },
            machine: { [`${HOME}/db`]: "data\n", [`${other}/f`]: "f\n", "/stub/active/linkmesh-server": "" },
        });
        const before = on.files();
        const ran = on.run();
        expect(ran.errors).toEqual([
            `error: both this machine's ${HOME} and the data volume's hold data: move this machine's away and run pulumi up again.`,
        ]);
        expect(on.files()).toEqual(before);
        expect(ran.calls.filter((call) => call.includes("stop"))).toEqual([]);
    });

    test("the volume's data are used where the machine has only a package's own files, as with certbot in the image", () => {
        const device = blockDevice(withData("db", "kept"));
        const stubs = { "dpkg-query": `echo ' ${HOME}/cli.ini '$(echo packaged | md5sum | cut -d' ' -f1)` };
        const on = machine(device, { machine: { [`${HOME}/cli.ini`]: "packaged\n" }, stubs });
        on.sh(`mkdir ${HOME}/hooks`);
        expect(runAndSee(on, `ls ${HOME}; findmnt -no TARGET ${HOME}`).stdout).toBe(`db\n${HOME}\n`);
        const edited = machine(blockDevice(withData("db", "kept")), {
            machine: { [`${HOME}/cli.ini`]: "edited\n" },
            stubs,
        });
        expect(edited.run().errors).toEqual([expect.stringContaining("hold data: move this machine's away")]);
    });

    test("an empty volume takes a package's own files as well", () => {
        const on = machine(blockDevice(), {
            machine: { [`${HOME}/cli.ini`]: "packaged\n" },
            stubs: { "dpkg-query": `echo ' ${HOME}/cli.ini '$(echo packaged | md5sum | cut -d' ' -f1)` },
        });
        expect(runAndSee(on, `cat ${HOME}/cli.ini`).stdout).toBe("packaged\n");
    });

    test("data both in the directory and set aside are an error", () => {
        const on = machine(blockDevice(), { machine: { [`${HOME}/db`]: "data\n", [`${ASIDE}/db`]: "older\n" } });
        expect(on.run().errors).toEqual([
            `error: both ${HOME} and ${ASIDE} hold data: look which is right, remove the other and run pulumi up again.`,
        ]);
        expect([on.read(`${HOME}/db`), on.read(`${ASIDE}/db`)]).toEqual(["data\n", "older\n"]);
    });

    test.each(["cp", "sync"])(
        "a volume without room (%s fails) leaves the data where they were, and LinkMesh running",
        (command) => {
            const on = machine(blockDevice(), {
                machine: { [`${HOME}/db`]: "data\n", "/stub/active/linkmesh-server": "" },
            });
            const before = on.files();
            const ran = on.run({
                stubs: { [command]: `[[ "$*" = *paths* ]] && exit 1; exec /usr/bin/${command} "$@"` },
            });
            expect(ran.errors).toHaveLength(1);
            expect({ ...on.files(), "/etc/fstab": undefined }).toEqual({ ...before, "/etc/fstab": undefined });
            expect(on.read("/etc/fstab")).toBeUndefined();
            expect(on.sh("ls /stub/active")).toBe("linkmesh-server\n");
            // With room it goes on from there.
            expect(runAndSee(on, `cat ${HOME}/db`).stdout).toBe("data\n");
        },
    );

    test.each(["mv", "cp", "sync", "mount"])(
        "killed after any %s, the next run brings all data to the volume",
        (command) => {
            for (const times of [1, 2, 3]) {
                const device = blockDevice();
                const on = machine(device, {
                    machine: { [`${HOME}/db`]: "data\n", "/stub/active/linkmesh-server": "" },
                });
                const cut = `/usr/bin/${command} "$@"; n=$(($(cat /stub/n 2>/dev/null) + 1)); echo $n >/stub/n; [ $n -lt ${times} ] || kill -KILL $PPID`;
                on.run({ stubs: { [command]: cut } });
                on.sh("rm -f /stub/n");
                const ran = runAndSee(on, `cat ${HOME}/db; findmnt -no TARGET ${HOME}`);
                expect(ran.stdout, `${command} ${times}`).toBe(`data\n${HOME}\n`);
                expect(on.sh("ls /stub/active"), `${command} ${times}`).toBe("linkmesh-server\n");
            }
        },
    );
});
