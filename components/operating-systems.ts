/** The operating systems that the steps support. */
export const OPERATING_SYSTEMS = ["debian-13", "debian-12", "ubuntu-24.04"] as const;
export type OperatingSystem = (typeof OPERATING_SYSTEMS)[number];

interface OperatingSystemFacts {
    /** For messages. */
    readonly name: string;
    /** The AWS account that publishes its images. */
    readonly owner: string;
    /** Name pattern of its images. */
    readonly imageName: (architecture: "amd64" | "arm64") => string;
    /** Login name of its images. */
    readonly user: string;
    /** Whether its nginx is 1.25.1 or newer, which can offer HTTP/2 for a single name of a port. */
    readonly http2PerName: boolean;
}

/** https://wiki.debian.org/Cloud/AmazonEC2Image, https://documentation.ubuntu.com/aws/aws-how-to/instances/find-ubuntu-images/ */
export const OPERATING_SYSTEM_FACTS: Readonly<Record<OperatingSystem, OperatingSystemFacts>> = {
    "debian-13": {
        name: "Debian 13",
        owner: "136693071363",
        imageName: (architecture) => `debian-13-${architecture}-*`,
        user: "admin",
        http2PerName: true,
    },
    "debian-12": {
        name: "Debian 12",
        owner: "136693071363",
        imageName: (architecture) => `debian-12-${architecture}-*`,
        user: "admin",
        http2PerName: false,
    },
    "ubuntu-24.04": {
        name: "Ubuntu 24.04",
        owner: "099720109477",
        imageName: (architecture) => `ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-${architecture}-server-*`,
        user: "ubuntu",
        http2PerName: false,
    },
};

/** The operating system of an image by the image's name; undefined if no pattern matches. Pure. */
export function operatingSystemOfImage(name: string): OperatingSystem | undefined {
    return OPERATING_SYSTEMS.find((system) =>
        (["amd64", "arm64"] as const).some((architecture) =>
            name.startsWith(OPERATING_SYSTEM_FACTS[system].imageName(architecture).replace("*", "")),
        ),
    );
}
