import type * as pulumi from "@pulumi/pulumi";
// Generated from components/settings by `npm run generate`. The analyzer has no other type for a value of any kind.
/* eslint-disable @typescript-eslint/no-explicit-any */
/** The settings of a LinkMesh behind its public hostname. */
export interface LinkMeshArgs {
    /**
     * The public hostname under which browsers, collectors and agents reach LinkMesh.
     * @example `"linkmesh.example.com"`
     */
    domain: string;
    /**
     * A second hostname for people's browsers, with HTTP/2. OpAMP stays on domain. Needs nginx 1.25.1 or newer, which only Debian 13 has. If left out, browsers use domain, with HTTP/1.1.
     * @example `"linkmesh-ui.example.com"`
     */
    uiDomain?: string;
    /**
     * Accept gRPC connections from linkmesh-agent. Set to false if no collector uses the agent; port 50051 then stays closed.
     * @default `true`
     * @example `false`
     */
    grpc?: boolean;
    /**
     * A second hostname for gRPC, which then shares port 443: nginx recognizes it by the name in the TLS handshake and passes mTLS through. If left out, gRPC uses domain on its own port, 50051.
     * @example `"grpc.linkmesh.example.com"`
     */
    grpcDomain?: string;
    /**
     * Where the DNS records are published: route53, or external for any other provider. With external, `pulumi up` prints the records to create and waits for them.
     * @default `"route53"`
     * @example `"external"`
     */
    dns?: string;
    /**
     * Name of the Route 53 hosted zone for the records. If left out, the closest zone that contains domain.
     * @example `"example.com"`
     */
    hostedZone?: string;
    /**
     * Overwrite existing A, AAAA and CAA records of the names. With false, `pulumi up` stops with an error instead.
     * @default `false`
     * @example `true`
     */
    dnsAllowOverwrite?: boolean;
    /**
     * Publish CAA records that allow only this authority to issue certificates for the names, and for names below them without CAA records of their own. If left out, no CAA records are published.
     * @example `"letsencrypt.org"`
     */
    caaIssuer?: string;
    /**
     * Restrict the CAA records to one ACME account. Its key is on the data volume: if that is lost, no certificate is issued until the records are removed. If left out, any account of caaIssuer may order.
     * @example `"https://acme-v02.api.letsencrypt.org/acme/acct/123456789"`
     */
    caaAccountUri?: string;
    /**
     * The ACME authority that issues the certificate: staging (Let's Encrypt for trying out, not trusted by browsers), production (Let's Encrypt, at most 5 certificates a week for the same names), or the https URL of another ACME directory.
     * @default `"staging"`
     * @example `"production"`
     */
    acmeDirectory?: string;
    /**
     * Contact address of the ACME account. Let's Encrypt has sent no mail since June 2025; other authorities may require one. If left out, the account has no contact address.
     * @example `"platform@example.com"`
     */
    acmeEmail?: string;
    /**
     * PEM certificates that verify the ACME directory's own https certificate, for a private CA. If it issues from another CA, add that, so that `npm run check` trusts it. If left out, the machine's usual CAs count.
     * @example `"-----BEGIN CERTIFICATE-----…"`
     */
    acmeCaBundle?: string;
    /**
     * How the authority verifies that the names are yours: http-01 on port 80, or dns-01 with a TXT record in the Route 53 zone, which the machine may write by its instance role. dns-01 allows wildcards and needs no port 80.
     * @default `"http-01"`
     * @example `"dns-01"`
     */
    acmeChallenge?: string;
    /**
     * Key identifier of the external account binding that some ACME authorities require. Needs acmeEabHmacKey.
     * @example `"kid-1"`
     */
    acmeEabKeyId?: string;
    /**
     * HMAC key of the external account binding, in base64url as the authority shows it.
     * @example `"zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"`
     */
    acmeEabHmacKey?: pulumi.Input<string>;
    /**
     * Names in the certificate, including wildcards. They must cover domain and uiDomain. gRPC needs no name here, because LinkMesh has its own certificate for it. If left out, domain and uiDomain.
     * @example `["*.example.com"]`
     */
    certificateNames?: string[];
    /**
     * Your own certificate in PEM form with its chain, instead of one from an ACME authority. Nothing renews it: set a new one before it ends. If left out, acmeDirectory issues the certificate.
     * @example `"-----BEGIN CERTIFICATE-----…"`
     */
    tlsCertificate?: string;
    /**
     * Private key of tlsCertificate, in PEM form without a passphrase.
     * @example `"-----BEGIN PRIVATE KEY-----…"`
     */
    tlsPrivateKey?: pulumi.Input<string>;
    /**
     * Answer on port 80 with a redirect to https. Set to false to close port 80, unless the certificate comes by http-01, which needs the port.
     * @default `true`
     * @example `false`
     */
    httpRedirect?: boolean;
    /**
     * Networks that may reach port 22, as IPv4 or IPv6 CIDR blocks. The machine is set up over SSH, so include the address that runs `pulumi up`. A network of all addresses (/0) is accepted with a warning.
     * @example `["198.51.100.7/32"]`
     */
    sshAllowedCidrs: string[];
    /**
     * SSH public key to log in with, as a line of authorized_keys. Needs sshPrivateKey. If left out, a key pair is generated and kept in the stack's state.
     * @example `"ssh-ed25519 AAAA… platform"`
     */
    sshPublicKey?: string;
    /**
     * Private key of sshPublicKey, in PEM or OpenSSH form without a passphrase.
     * @example `"-----BEGIN OPENSSH PRIVATE KEY-----…"`
     */
    sshPrivateKey?: pulumi.Input<string>;
    /**
     * SSH host through which to reach the machine's port 22. sshAllowedCidrs then needs only the bastion's address. Needs bastionHostKey and bastionPrivateKey. If left out, the machine is reached directly.
     * @example `"bastion.example.com"`
     */
    bastionHost?: string;
    /**
     * Login name on the bastion.
     * @default `"admin"`
     * @example `"ec2-user"`
     */
    bastionUser?: string;
    /**
     * Public host key of the bastion, as `ssh-keyscan -t ed25519` prints it, without the host name. Any other key is refused.
     * @example `"ssh-ed25519 AAAA…"`
     */
    bastionHostKey?: string;
    /**
     * Private key for the login on the bastion, in PEM or OpenSSH form without a passphrase.
     * @example `"-----BEGIN OPENSSH PRIVATE KEY-----…"`
     */
    bastionPrivateKey?: pulumi.Input<string>;
    /**
     * Let people in by AWS Session Manager, with their rights of IAM and without a key: the output sessionCommand. Whoever may start a session is root. `pulumi up` itself still connects over SSH. On Debian it needs ssmAgentDebUrl.
     * @default `false`
     * @example `true`
     */
    sessionManager?: boolean;
    /**
     * URL of AWS's package of the SSM agent, for sessionManager on Debian, whose images lack it. Needs ssmAgentDebSha256. Nothing updates the agent but another URL. If left out, the image has the agent, as Ubuntu's have.
     * @example `"https://s3.eu-central-1.amazonaws.com/amazon-ssm-eu-central-1/3.3.3050.0/debian_amd64/amazon-ssm-agent.deb"`
     */
    ssmAgentDebUrl?: string;
    /**
     * SHA-256 checksum of that package, in hexadecimal. A package with another checksum is not installed.
     * @example `"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"`
     */
    ssmAgentDebSha256?: string;
    /**
     * Networks that may reach port 443, and port 80 unless http-01 needs it open, as CIDR blocks. If left out, everyone may.
     * @example `["198.51.100.0/24"]`
     */
    httpsAllowedCidrs?: string[];
    /**
     * Networks that may reach port 50051, as CIDR blocks. If left out, everyone may.
     * @example `["198.51.100.0/24"]`
     */
    grpcAllowedCidrs?: string[];
    /**
     * Networks of a CDN or load balancer in front of the machine, as CIDR blocks. nginx takes the client's address from the X-Forwarded-For header of these networks and drops the header from all others. If left out, it is always dropped.
     * @example `["203.0.113.0/24"]`
     */
    trustedProxies?: string[];
    /**
     * EC2 instance type of a Nitro generation. t3.small costs about $15 a month and holds nginx's connections of 10,000 collectors. LinkMesh's own memory comes on top: docs/scale.md computes t3.medium for both.
     * @default `"t3.small"`
     * @example `"t4g.small"`
     */
    instanceType?: string;
    /**
     * What a burstable instance type (t3, t3a, t4g) does when its CPU credits run out. unlimited keeps full speed and costs $0.05 for each hour of a CPU above the baseline ($0.04 with t4g), at most about $58 a month with t3.small. standard slows down to the baseline, 20 % of each CPU with t3.small; a new machine starts without credits, so its first `pulumi up` takes longer. If left out, the account's default counts, which is unlimited unless someone changed it.
     * @example `"standard"`
     */
    cpuCredits?: string;
    /**
     * Operating system of the machine: debian-13, debian-12 or ubuntu-24.04, for amd64 or arm64 as instanceType requires. If left out, the one that the name of imageId says, or debian-13.
     * @example `"ubuntu-24.04"`
     */
    operatingSystem?: string;
    /**
     * Machine image (AMI). If left out, the newest image of operatingSystem at the time when the machine is created; a newer one then counts only when the machine is replaced.
     * @example `"ami-0123456789abcdef0"`
     */
    imageId?: string;
    /**
     * Availability zone of a new stack. Name another one if the instance type is out of capacity. A data volume cannot move, so an existing stack stays where it is. If left out, the zone of subnetId, or the first in the region that offers the instance type.
     * @example `"eu-central-1b"`
     */
    availabilityZone?: string;
    /**
     * IPv4 block of the VPC that the program creates, from /16 to /28. Not used with subnetId or subnetIds.
     * @default `"10.77.0.0/24"`
     * @example `"10.20.0.0/24"`
     */
    vpcCidr?: string;
    /**
     * An existing subnet to use. It needs an internet gateway or, with publicAddress=false, another way out. In a subnet without an IPv6 block the machine has only IPv4. If left out, the program creates a VPC with a subnet.
     * @example `"subnet-0123456789abcdef0"`
     */
    subnetId?: string;
    /**
     * Give the machine a public IPv4 address, for about $3.65 a month. With false, the names lead to its private address: clients and `pulumi up` need a way to it (a VPN, peering, or bastionHost for `pulumi up`), and the machine needs a way out (a NAT gateway).
     * @default `true`
     * @example `false`
     */
    publicAddress?: boolean;
    /**
     * Size of the data volume in GiB, from 1 to 16,384. It can grow later, but never shrink. About $0.08 a month for each GiB.
     * @default `10`
     * @example `20`
     */
    dataVolumeSize?: number;
    /**
     * How many daily snapshots of the data volume to keep, from 0 (none are taken) to 365. AWS takes them at 03:00 UTC. They outlive the stack and the volume, and nothing deletes those of a volume that is gone. About $0.05 a month for each GiB of changed data.
     * @default `0`
     * @example `7`
     */
    dailySnapshots?: number;
    /**
     * Keep a last snapshot when the data volume is deleted, for example by `pulumi destroy`. It counts after the next `pulumi up`. Set it from the start: a later change is one of the four volume modifications that AWS allows in 24 hours, as growing is. About $0.05 a month for each GiB of data, until you delete the snapshot.
     * @default `false`
     * @example `true`
     */
    finalSnapshot?: boolean;
    /**
     * Snapshot from which to create a new data volume: its id, or latest for the newest of this stack. An existing data volume stays as it is. If left out, a new data volume is empty.
     * @example `"latest"`
     */
    restoreFrom?: string;
    /**
     * Remove the machine or all nodes, and keep addresses, names and data volume, or the load balancer. With false, the same LinkMesh comes back.
     * @default `false`
     * @example `true`
     */
    paused?: boolean;
    /**
     * Refuse to destroy the stack and to replace its addresses and data volume, or the load balancer of several nodes. To lift the protection, set it to false and run `pulumi up`.
     * @default `false`
     * @example `true`
     */
    protect?: boolean;
    /**
     * Tags for everything that is created, besides Name. Keys that differ only in case are refused, because IAM refuses them.
     * @example `{"team":"platform"}`
     */
    tags?: Record<string, string>;
    /**
     * How many machines run LinkMesh, from 1 to 83. Several stand behind a Network Load Balancer, keep nothing themselves, and share the MongoDB and the Git store that linkmeshConfig names. docs/modes.md has what they need and cost.
     * @default `1`
     * @example `3`
     */
    nodes?: number;
    /**
     * Existing public subnets for several machines and their load balancer, one in each availability zone, in any order. If left out, the program creates a VPC with a subnet in up to three zones. For one machine set subnetId instead.
     * @example `["subnet-0123456789abcdef0"]`
     */
    subnetIds?: string[];
    /**
     * With several nodes: how long one is taken out before its LinkMesh stops, and how long the next one waits when it is well again, in seconds from 30 to 600. The load balancer notices within 20 seconds, and AWS goes on to send new connections for 30 to 40 more.
     * @default `70`
     * @example `120`
     */
    drainSeconds?: number;
    /**
     * URL of the LinkMesh server's Debian package. Set this with linkmeshDebSha256, or linkmeshAptSource instead. Set it with --secret if it holds a login or a signature.
     * @example `"https://packages.example.com/linkmesh-server_1.101.0_amd64.deb"`
     */
    linkmeshDebUrl?: pulumi.Input<string>;
    /**
     * SHA-256 checksum of that package, in hexadecimal. A package with another checksum is not installed.
     * @example `"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"`
     */
    linkmeshDebSha256?: string;
    /**
     * APT source of the package linkmesh-server: URL, suite and components. Needs linkmeshAptKey and linkmeshVersion. Set it with --secret if the URL holds a login, which the machine keeps in apt's auth.conf.
     * @example `"https://apt.example.com/debian stable main"`
     */
    linkmeshAptSource?: pulumi.Input<string>;
    /**
     * Public key that signs the APT source, ASCII-armoured.
     * @example `"-----BEGIN PGP PUBLIC KEY BLOCK-----…"`
     */
    linkmeshAptKey?: string;
    /**
     * Version of the package to install from the APT source.
     * @example `"1.101.0"`
     */
    linkmeshVersion?: string;
    /**
     * Entries for LinkMesh's environment file. Set each with: pulumi config set --secret --path linkmeshEnvironment.NAME VALUE
     * @example `{"LINKMESH_SMTP_PASSWORD":"…"}`
     */
    linkmeshEnvironment?: pulumi.Input<Record<string, pulumi.Input<string>>>;
    /**
     * Additional keys for LinkMesh's config.yaml, merged into the file that the package ships. The program itself sets the keys that the proxy needs: externalUrl, http.trustedProxies, grpc.port and grpc.externalUrl.
     * @example `{"metrics":{"enabled":true}}`
     */
    linkmeshConfig?: Record<string, any>;
    /**
     * Text files for LinkMesh, such as keys and certificates, by file name. Each is /etc/linkmesh-proxy/files/NAME on the machine, which only root and LinkMesh can read; linkmeshConfig and linkmeshEnvironment may name that path. A missing line end is added. 64 KiB in all. docs/operations.md has the command that sets one.
     * @example `{"mongodb-ca.pem":"-----BEGIN CERTIFICATE-----…"}`
     */
    linkmeshFiles?: pulumi.Input<Record<string, pulumi.Input<string>>>;
    /**
     * Environment file of the LinkMesh service, which holds the server secret. It is kept on the data volume. Change it if your package reads another file.
     * @default `"/etc/default/linkmesh-server"`
     * @example `"/etc/linkmesh/environment"`
     */
    linkmeshEnvironmentFile?: string;
    /**
     * Directories that hold LinkMesh's state (database, internal CA, gitops store). They are kept on the data volume and outlive the machine. Change them if your package uses others.
     * @default `["/var/lib/linkmesh","/data/linkmesh"]`
     * @example `["/opt/linkmesh"]`
     */
    linkmeshDataPaths?: string[];
    /**
     * How many collectors and agents are connected at once, from 1 to 200,000. nginx and the kernel are sized for it. With several nodes, the most that one node may have: docs/scale.md has its share in a rolling change.
     * @default `10000`
     * @example `50000`
     */
    collectorsExpected?: number;
    /**
     * How many sessions one client address may hold on each port of a machine, up to 65,535; more are refused. With 0, collectorsExpected plus 1,000, because a whole fleet may share one address; above 65,535 there is no limit. If each collector has its own address, a few hundred keep one client from taking all sessions.
     * @default `0`
     * @example `500`
     */
    sessionsPerAddress?: number;
    /**
     * Who is told when something breaks: e-mail addresses, or ARNs of SNS topics. Watched are the machine (with automatic recovery), https and gRPC from outside, LinkMesh, the certificate with its renewal, and the disks. AWS sends each address a link to confirm, and nothing before that. About $7 a month, or $2 while the account has free alarms, metrics and health checks left. If left out, nothing is watched.
     * @example `["platform@example.com"]`
     */
    alarms?: string[];
}
