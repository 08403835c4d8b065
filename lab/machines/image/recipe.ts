import { fileURLToPath } from "node:url";

/** The content of the lab's images, as pure data. A change here gives an image a new directory, so it is rebuilt. */

export type Release = "trixie" | "bookworm" | "noble";

export const MIRROR = "http://deb.debian.org/debian";
export const SECURITY_MIRROR = "http://deb.debian.org/debian-security";
export const UBUNTU_MIRROR = "http://archive.ubuntu.com/ubuntu";

/** Raise it if the build changes and the data below does not. */
export const RECIPE_VERSION = 1;

interface Distribution {
    /** cloud-init's name for it. */
    id: "debian" | "ubuntu";
    title: string;
    /** The user of its images on AWS. */
    user: string;
    mirror: string;
    /** Options and script for debootstrap, because the outer machine may lack those of the release. */
    debootstrap: { options: string[]; script: string[] };
}

const DEBIAN: Distribution = {
    id: "debian",
    title: "Debian",
    user: "admin",
    mirror: MIRROR,
    debootstrap: { options: [], script: [] },
};

const UBUNTU: Distribution = {
    id: "ubuntu",
    title: "Ubuntu",
    user: "ubuntu",
    mirror: UBUNTU_MIRROR,
    debootstrap: {
        // Ubuntu's archive key of 2018, F6EC B376 2474 EDA9 D21B 7022 8719 20D1 991B C93C: Debian 12 has no package with it.
        options: [`--keyring=${fileURLToPath(new URL("./ubuntu-archive-2018.gpg", import.meta.url))}`],
        // The script for every Ubuntu. An older debootstrap has none named noble.
        script: ["/usr/share/debootstrap/scripts/gutsy"],
    },
};

const DISTRIBUTIONS: Record<Release, Distribution> = { trixie: DEBIAN, bookworm: DEBIAN, noble: UBUNTU };

export function distributionOf(release: Release): Distribution {
    return DISTRIBUTIONS[release];
}

/**
 * The packages of a Debian image for AWS that matter in the lab. Without libpam-systemd, because it starts a user
 * manager for each SSH login and no step needs it.
 */
const MACHINE_PACKAGES = [
    "systemd",
    "systemd-sysv",
    "udev",
    "dbus",
    "openssh-server",
    "sudo",
    "cloud-init",
    "iproute2",
    "iputils-ping",
    "procps",
    "nftables",
    "ca-certificates",
    "curl",
    "python3",
    "python3-yaml",
    "e2fsprogs",
    "netbase",
    "less",
];

/** Packages of one release: for ping without root, and what Ubuntu's cloud-init would install at the first boot. */
const OWN_PACKAGES: Record<Release, string[]> = {
    trixie: ["linux-sysctl-defaults"],
    bookworm: ["libcap2-bin"],
    noble: ["libcap2-bin", "locales", "lsb-release"],
};

export function machinePackages(release: Release): string[] {
    return [...MACHINE_PACKAGES, ...OWN_PACKAGES[release]];
}

export const SERVICES_PACKAGES = ["knot", "pebble", "apt-cacher-ng", "haproxy"];

/** The name and the text of the file with the package sources. */
export function aptSources(release: Release): { path: string; text: string } {
    const { id } = distributionOf(release);
    const stanza = (uri: string, suites: string, components = "main") =>
        `Types: deb\nURIs: ${uri}\nSuites: ${suites}\nComponents: ${components}\n` +
        `Signed-By: /usr/share/keyrings/${id}-archive-keyring.gpg\n`;
    const stanzas =
        id === "ubuntu"
            ? [stanza(UBUNTU_MIRROR, `${release} ${release}-updates ${release}-security`, "main universe")]
            : [stanza(MIRROR, `${release} ${release}-updates`), stanza(SECURITY_MIRROR, `${release}-security`)];
    return { path: `etc/apt/sources.list.d/${id}.sources`, text: stanzas.join("\n") };
}

/** cloud-init's configuration from the distribution's images for AWS, but with data from the NoCloud seed. */
function cloudCfg({ id, title, user }: Distribution): string {
    return `# The lab's machines: seed in /var/lib/cloud/seed/nocloud, interface configured from outside.
datasource_list: [ NoCloud ]
network:
  config: disabled
locale: C.UTF-8
growpart:
  mode: "off"
resize_rootfs: false
apt:
  preserve_sources_list: true
system_info:
  distro: ${id}
  default_user:
    name: ${user}
    lock_passwd: true
    gecos: ${title}
    groups: [adm, audio, cdrom, dialout, dip, floppy, plugdev, sudo, video]
    sudo: ["ALL=(ALL) NOPASSWD:ALL"]
    shell: /bin/bash
`;
}

/** systemd's unit without BindsTo=%i.device: a machine without udev has no device units, so fstab's checks would fail. */
const FSCK_UNIT = `[Unit]
Description=File System Check on %f
DefaultDependencies=no
After=systemd-fsck-root.service local-fs-pre.target
Before=systemd-quotacheck.service shutdown.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/lib/systemd/systemd-fsck %f
TimeoutSec=infinity
`;

/** Mounts the devices of fstab, which systemd 252 skips in a container. Newer versions have a setting for it. */
const MOUNT_ALL_UNIT = `[Unit]
Description=Mount the devices of fstab
DefaultDependencies=no
After=local-fs-pre.target systemd-remount-fs.service
Before=local-fs.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=-/bin/mount --all
`;

const OWN_FILES: Record<Release, Record<string, string>> = {
    trixie: { "etc/systemd/system/systemd-fsck@.service": FSCK_UNIT },
    noble: {
        "etc/systemd/system/systemd-fsck@.service": FSCK_UNIT,
        // An empty unit is masked. The console is a log here, so a login on it would fail.
        "etc/systemd/system/console-getty.service": "",
    },
    bookworm: {
        "etc/systemd/system/lab-fstab.service": MOUNT_ALL_UNIT,
        "etc/systemd/system/local-fs.target.d/lab.conf": "[Unit]\nWants=lab-fstab.service\n",
    },
};

/** Files written into the finished root. */
export function machineFiles(release: Release): Record<string, string> {
    return {
        "etc/cloud/cloud.cfg.d/99_lab.cfg": cloudCfg(distributionOf(release)),
        ...OWN_FILES[release],
        // Halves the time of installs. A throw-away machine need not survive a power cut of the outer machine.
        "etc/dpkg/dpkg.cfg.d/lab-unsafe-io": "force-unsafe-io\n",
        // Takes a quarter off reading the package lists: no step asks for a description.
        "etc/apt/apt.conf.d/lab-no-descriptions": 'Acquire::Languages "none";\n',
    };
}

/** Everything that decides what an image contains, as one string for the version hash. */
export function recipeText(release: Release): string {
    return JSON.stringify([
        RECIPE_VERSION,
        release,
        machinePackages(release),
        aptSources(release).text,
        machineFiles(release),
    ]);
}
