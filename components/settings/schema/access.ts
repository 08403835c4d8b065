import { z } from "zod";
import { cidr, flag, host, optional, packageChecksum, text, url } from "./types.ts";
import { hostKey, publicKey, sshPrivateKey } from "./keys.ts";
import { setting } from "./setting.ts";

/** SSH access, and networks that may connect. */
export const ACCESS_SETTINGS = {
    sshAllowedCidrs: setting({
        type: "array",
        description:
            "Networks that may reach port 22, as IPv4 or IPv6 CIDR blocks. The machine is set up over SSH, so include the address that runs `pulumi up`. A network of all addresses (/0) is accepted with a warning.",
        example: "198.51.100.7/32",
        change: ["firewall rules change"],
        schema: z.array(cidr).min(1, "must name at least one network: the address from which `pulumi up` runs"),
    }),
    sshPublicKey: setting({
        type: "string",
        description:
            "SSH public key to log in with, as a line of authorized_keys. Needs sshPrivateKey. If left out, a key pair is generated and kept in the stack's state.",
        default: "",
        example: "ssh-ed25519 AAAA… platform",
        change: ["new machine"],
        schema: optional(publicKey),
    }),
    sshPrivateKey: setting({
        type: "string",
        description: "Private key of sshPublicKey, in PEM or OpenSSH form without a passphrase.",
        default: "",
        example: "-----BEGIN OPENSSH PRIVATE KEY-----…",
        change: [],
        changeNote: "another key needs another sshPublicKey, which replaces the machine",
        secret: true,
        schema: optional(sshPrivateKey),
    }),
    bastionHost: setting({
        type: "string",
        description:
            "SSH host through which to reach the machine's port 22. sshAllowedCidrs then needs only the bastion's address. Needs bastionHostKey and bastionPrivateKey. If left out, the machine is reached directly.",
        default: "",
        example: "bastion.example.com",
        change: [],
        schema: optional(host),
    }),
    bastionUser: setting({
        type: "string",
        description: "Login name on the bastion.",
        default: "admin",
        example: "ec2-user",
        change: [],
        schema: text.regex(/^[a-z_][a-z0-9_.-]*$/i, "must be a login name"),
    }),
    bastionHostKey: setting({
        type: "string",
        description:
            "Public host key of the bastion, as `ssh-keyscan -t ed25519` prints it, without the host name. Any other key is refused.",
        default: "",
        example: "ssh-ed25519 AAAA…",
        change: [],
        schema: optional(hostKey),
    }),
    bastionPrivateKey: setting({
        type: "string",
        description: "Private key for the login on the bastion, in PEM or OpenSSH form without a passphrase.",
        default: "",
        example: "-----BEGIN OPENSSH PRIVATE KEY-----…",
        change: [],
        secret: true,
        schema: optional(sshPrivateKey),
    }),
    sessionManager: setting({
        type: "boolean",
        description:
            "Let people in by AWS Session Manager, with their rights of IAM and without a key: the output sessionCommand. Whoever may start a session is root. `pulumi up` itself still connects over SSH. On Debian it needs ssmAgentDebUrl.",
        default: false,
        example: "true",
        change: ["AWS resources change"],
        schema: flag,
    }),
    ssmAgentDebUrl: setting({
        type: "string",
        description:
            "URL of AWS's package of the SSM agent, for sessionManager on Debian, whose images lack it. Needs ssmAgentDebSha256. Nothing updates the agent but another URL. If left out, the image has the agent, as Ubuntu's have.",
        default: "",
        example:
            "https://s3.eu-central-1.amazonaws.com/amazon-ssm-eu-central-1/3.3.3050.0/debian_amd64/amazon-ssm-agent.deb",
        change: [],
        schema: optional(url(/^https?:$/, "must be an http or https URL of a .deb file")),
    }),
    ssmAgentDebSha256: setting({
        type: "string",
        description:
            "SHA-256 checksum of that package, in hexadecimal. A package with another checksum is not installed.",
        default: "",
        example: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        change: [],
        schema: optional(packageChecksum),
    }),
    httpsAllowedCidrs: setting({
        type: "array",
        description:
            "Networks that may reach port 443, and port 80 unless http-01 needs it open, as CIDR blocks. If left out, everyone may.",
        default: [],
        example: "198.51.100.0/24",
        change: ["firewall rules change"],
        schema: z.array(cidr),
    }),
    grpcAllowedCidrs: setting({
        type: "array",
        description: "Networks that may reach port 50051, as CIDR blocks. If left out, everyone may.",
        default: [],
        example: "198.51.100.0/24",
        change: ["firewall rules change"],
        schema: z.array(cidr),
    }),
    trustedProxies: setting({
        formerName: "trustedHops",
        type: "array",
        description:
            "Networks of a CDN or load balancer in front of the machine, as CIDR blocks. nginx takes the client's address from the X-Forwarded-For header of these networks and drops the header from all others. If left out, it is always dropped.",
        default: [],
        example: "203.0.113.0/24",
        change: ["nginx reloads"],
        schema: z.array(cidr),
    }),
} as const;
