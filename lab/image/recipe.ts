/** What goes into the lab's images. Pure data: a change here gives the image a new directory and so a rebuild. */

export type Release = "trixie" | "bookworm";

export const MIRROR = "http://deb.debian.org/debian";
export const SECURITY_MIRROR = "http://deb.debian.org/debian-security";

/** Raise it when the way of building changes and the data below does not. */
export const RECIPE_VERSION = 1;

/**
 * What a Debian image for AWS has and the lab's users meet. libpam-systemd is left out: it costs each SSH login a
 * user manager's start and adds nothing that a step on the machine looks at.
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

/** What lets users other than root ping, which each release does in its own way. */
const PING_PACKAGES = { trixie: ["linux-sysctl-defaults"], bookworm: ["libcap2-bin"] };

export function machinePackages(release: Release): string[] {
    return [...MACHINE_PACKAGES, ...PING_PACKAGES[release]];
}

export const SERVICES_PACKAGES = ["knot", "pebble", "apt-cacher-ng"];

export function aptSources(release: Release): string {
    const stanza = (uri: string, suites: string) =>
        `Types: deb\nURIs: ${uri}\nSuites: ${suites}\nComponents: main\n` +
        `Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n`;
    return [stanza(MIRROR, `${release} ${release}-updates`), stanza(SECURITY_MIRROR, `${release}-security`)].join("\n");
}

/** cloud-init as on AWS's Debian images (user `admin`), but with its data from the NoCloud seed. */
const CLOUD_CFG = `# The lab's machines: seed in /var/lib/cloud/seed/nocloud, interface configured from outside.
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
  distro: debian
  default_user:
    name: admin
    lock_passwd: true
    gecos: Debian
    groups: [adm, audio, cdrom, dialout, dip, floppy, plugdev, sudo, video]
    sudo: ["ALL=(ALL) NOPASSWD:ALL"]
    shell: /bin/bash
`;

/** systemd's own unit without BindsTo=%i.device: a machine without udev has no device units, and fstab's checks would fail. */
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

/** In a container systemd 252 leaves out the devices of fstab; newer ones can be told to mount them. */
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

const FSTAB_FILES: Record<Release, Record<string, string>> = {
    trixie: { "etc/systemd/system/systemd-fsck@.service": FSCK_UNIT },
    bookworm: {
        "etc/systemd/system/lab-fstab.service": MOUNT_ALL_UNIT,
        "etc/systemd/system/local-fs.target.d/lab.conf": "[Unit]\nWants=lab-fstab.service\n",
    },
};

/** Files written into the finished root. */
export function machineFiles(release: Release): Record<string, string> {
    return {
        "etc/cloud/cloud.cfg.d/99_lab.cfg": CLOUD_CFG,
        ...FSTAB_FILES[release],
        // Nothing on a throw-away machine needs to survive a power cut of the outer machine; installs take half the time.
        "etc/dpkg/dpkg.cfg.d/lab-unsafe-io": "force-unsafe-io\n",
    };
}

/** Everything that decides what an image contains, as one string for the version hash. */
export function recipeText(release: Release): string {
    return JSON.stringify([
        RECIPE_VERSION,
        release,
        machinePackages(release),
        aptSources(release),
        machineFiles(release),
    ]);
}
