import { ACCOUNT } from "./state.ts";

/** The publisher's account, and the root device of its images. */
const DEBIAN = { owner: "136693071363", rootDeviceName: "/dev/xvda" };
const UBUNTU = { owner: "099720109477", rootDeviceName: "/dev/sda1" };
const UBUNTU_FOLDER = "ubuntu/images/hvm-ssd-gp3";

/**
 * The lab's machine images: the results of getAmi, with the release that debootstrap installs. Images of another
 * architecture than the lab's can be looked up, but not run.
 */
export const IMAGES = [
    {
        ...DEBIAN,
        imageId: "ami-0debian13labamd64",
        name: "debian-13-amd64-20260101-0001",
        release: "trixie",
        architecture: "x86_64",
    },
    {
        ...DEBIAN,
        imageId: "ami-0debian12labamd64",
        name: "debian-12-amd64-20260101-0001",
        release: "bookworm",
        architecture: "x86_64",
    },
    {
        ...UBUNTU,
        imageId: "ami-0ubuntu24labamd64",
        name: `${UBUNTU_FOLDER}/ubuntu-noble-24.04-amd64-server-20260101`,
        release: "noble",
        architecture: "x86_64",
    },
    {
        ...DEBIAN,
        imageId: "ami-0debian13labarm64",
        name: "debian-13-arm64-20260101-0001",
        release: "trixie",
        architecture: "arm64",
    },
    {
        ...DEBIAN,
        imageId: "ami-0debian12labarm64",
        name: "debian-12-arm64-20260101-0001",
        release: "bookworm",
        architecture: "arm64",
    },
    {
        ...UBUNTU,
        imageId: "ami-0ubuntu24labarm64",
        name: `${UBUNTU_FOLDER}/ubuntu-noble-24.04-arm64-server-20260101`,
        release: "noble",
        architecture: "arm64",
    },
    {
        ...DEBIAN,
        owner: ACCOUNT,
        imageId: "ami-0debian13ownamd64",
        name: "debian-13-amd64-linkmesh-proxy-20260101",
        release: "with packages",
        architecture: "x86_64",
    },
] as const;

export type Image = (typeof IMAGES)[number];
