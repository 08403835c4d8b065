import type * as pulumi from "@pulumi/pulumi";
// Generated from components/settings by `npm run generate`. The analyzer has no other type for a value of any kind.
/* eslint-disable @typescript-eslint/no-explicit-any */
/** The settings of a LinkMesh behind its public hostname. */
export interface LinkMeshArgs {
    /**
     * The public hostname, under which browsers, collectors and agents reach LinkMesh.
     * @example linkmesh.example.com
     */
    domain: string;
    /**
     * A second name for people's browsers, which offers HTTP/2; OpAMP stays at the domain. Needs nginx 1.25.1, so Debian 13.
     * @example linkmesh-ui.example.com
     */
    uiDomain?: string;
    /**
     * Take in linkmesh-agent's gRPC. Fleets without that agent need it not: no port, no rule, no name.
     * @default true
     * @example false
     */
    grpc?: boolean;
    /**
     * A second name for gRPC, which then shares port 443: the name in the handshake decides, mTLS passes untouched. By default gRPC has the domain and a port of its own, 50051.
     * @example grpc.linkmesh.example.com
     */
    grpcDomain?: string;
    /**
     * Where the names are published: route53, or external for any other provider. Then `pulumi up` prints the records to make, and waits for them.
     * @default "route53"
     * @example external
     */
    dns?: string;
    /**
     * Name of the Route 53 hosted zone for the records. By default the closest zone that encloses the domain.
     * @example example.com
     */
    hostedZone?: string;
    /**
     * Take over the A, AAAA and CAA records of the names that exist already, instead of stopping with an error.
     * @default false
     * @example true
     */
    dnsAllowOverwrite?: boolean;
    /**
     * Publish CAA records with which this authority alone may issue certificates for the names, and for those below them that have no such records. By default none.
     * @example letsencrypt.org
     */
    caaIssuer?: string;
    /**
     * Narrow the CAA records to one ACME account. It binds the names to the account's key on the data volume: without that no certificate is issued until the record is gone.
     * @example https://acme-v02.api.letsencrypt.org/acme/acct/123456789
     */
    caaAccountUri?: string;
    /**
     * Where the certificate comes from: staging (Let's Encrypt for trying out, not trusted by browsers), production (Let's Encrypt, at most 5 certificates for the same name a week), or the https URL of any ACME directory.
     * @default "staging"
     * @example production
     */
    acmeDirectory?: string;
    /**
     * Contact address of the ACME account. Let's Encrypt has sent no mail since June 2025; other authorities may want one.
     * @example platform@example.com
     */
    acmeEmail?: string;
    /**
     * PEM certificates that the ACME directory's own https certificate is verified with, for a private CA.
     * @example -----BEGIN CERTIFICATE-----…
     */
    acmeCaBundle?: string;
    /**
     * How the authority sees that the names are yours: http-01 on port 80, or dns-01 by a TXT record in the Route 53 zone, which the machine may write by its instance role. dns-01 does wildcards, and needs no port 80.
     * @default "http-01"
     * @example dns-01
     */
    acmeChallenge?: string;
    /**
     * Key identifier of the external account binding that some ACME authorities ask for.
     * @example kid-1
     */
    acmeEabKeyId?: string;
    /**
     * The HMAC key of that binding, in base64url as the authority shows it.
     * @example zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W
     */
    acmeEabHmacKey?: pulumi.Input<string>;
    /**
     * The names in the certificate, wildcards included; together they cover domain and uiDomain. By default just those: for gRPC LinkMesh has a certificate of its own.
     * @example *.example.com
     */
    certificateNames?: string[];
    /**
     * A certificate of your own in place of an ACME one: PEM, its chain after it. A new one takes its place without dropping a session. Nothing renews it.
     * @example -----BEGIN CERTIFICATE-----…
     */
    tlsCertificate?: string;
    /**
     * The private key of tlsCertificate, PEM without a passphrase.
     * @example -----BEGIN PRIVATE KEY-----…
     */
    tlsPrivateKey?: pulumi.Input<string>;
    /**
     * Answer on port 80 with a redirect to https. http-01 needs the port.
     * @default true
     * @example false
     */
    httpRedirect?: boolean;
    /**
     * Networks that may reach port 22, as CIDR blocks of either family. The machine is set up over SSH, so the address that runs `pulumi up` belongs to it. A network of all addresses (/0) is taken with a warning.
     * @example 198.51.100.7/32
     */
    sshAllowedCidrs: string[];
    /**
     * SSH public key to log in with, in authorized_keys form. By default a key pair is generated and kept in the stack's state. Another key replaces the machine.
     * @example ssh-ed25519 AAAA… platform
     */
    sshPublicKey?: string;
    /**
     * The private key that belongs to sshPublicKey, in PEM or OpenSSH form and without a passphrase.
     * @example -----BEGIN OPENSSH PRIVATE KEY-----…
     */
    sshPrivateKey?: pulumi.Input<string>;
    /**
     * Reach the machine's port 22 through this SSH host. sshAllowedCidrs then names its address alone.
     * @example bastion.example.com
     */
    bastionHost?: string;
    /**
     * The login name on the bastion.
     * @default "admin"
     * @example ec2-user
     */
    bastionUser?: string;
    /**
     * The bastion's public host key, as `ssh-keyscan -t ed25519` shows it without the host. Any other is refused.
     * @example ssh-ed25519 AAAA…
     */
    bastionHostKey?: string;
    /**
     * The private key with which the bastion lets in, in PEM or OpenSSH form and without a passphrase.
     * @example -----BEGIN OPENSSH PRIVATE KEY-----…
     */
    bastionPrivateKey?: pulumi.Input<string>;
    /**
     * Networks that may reach port 443, and port 80 unless http-01 needs it open, as CIDR blocks. By default the world.
     * @example 198.51.100.0/24
     */
    httpsAllowedCidrs?: string[];
    /**
     * Networks that may reach port 50051, as CIDR blocks. By default the world.
     * @example 198.51.100.0/24
     */
    grpcAllowedCidrs?: string[];
    /**
     * Networks of a CDN or load balancer before the machine, whose X-Forwarded-For names the client. From anywhere else the header is dropped. By default none.
     * @example 203.0.113.0/24
     */
    trustedProxies?: string[];
    /**
     * EC2 instance type, of a Nitro generation. t3.small is about $15 a month and enough for 10,000 collectors' connections.
     * @default "t3.small"
     * @example t4g.small
     */
    instanceType?: string;
    /**
     * What a burstable type (t3, t3a, t4g) does once its CPU credits are used up: unlimited goes on at full speed and costs $0.05 for each hour of a CPU above the baseline ($0.04 with t4g), at most some $58 a month with t3.small; standard slows down to the baseline, 20 % of each CPU with t3.small. A new machine has no credits yet, so that with standard its first `pulumi up` takes longer. Changed while the machine runs. By default the account's own, which is unlimited unless somebody has changed it.
     * @example standard
     */
    cpuCredits?: string;
    /**
     * The system: debian-13, debian-12 or ubuntu-24.04, for amd64 or arm64 as the instance type wants. By default that of imageId by its name, or debian-13. A change replaces the machine.
     * @example ubuntu-24.04
     */
    operatingSystem?: string;
    /**
     * Machine image. By default the newest one of the system at the time of the machine's creation; newer images then change nothing until the machine is replaced. A pinned image is always honoured.
     * @example ami-0123456789abcdef0
     */
    imageId?: string;
    /**
     * Availability zone of a new stack. By default that of subnetId, or the first of the region that offers the instance type. Name another one where the type is out of capacity. A data volume cannot move, so a stack that has one stays where it is.
     * @example eu-central-1b
     */
    availabilityZone?: string;
    /**
     * IPv4 block of the VPC that the program creates, between /16 and /28. Of no use with subnetId.
     * @default "10.77.0.0/24"
     * @example 10.20.0.0/24
     */
    vpcCidr?: string;
    /**
     * An existing subnet to use instead of an own VPC: public (with an internet gateway), or with publicAddress=false one that has another way out. Without an IPv6 block the machine has IPv4 alone.
     * @example subnet-0123456789abcdef0
     */
    subnetId?: string;
    /**
     * Give the machine a public IPv4 address. With false the names lead to its private one, for a network that reaches it (a VPN, peering) and lets it out (a NAT gateway); `pulumi up` has to reach it, too, or go through bastionHost.
     * @default true
     * @example false
     */
    publicAddress?: boolean;
    /**
     * Size of the data volume in GiB, from 1 to 16,384. It can grow later, never shrink. About $0.08 a GiB a month.
     * @default 10
     * @example 20
     */
    dataVolumeSize?: number;
    /**
     * How many daily snapshots of the data volume are kept, from 0 (none are taken) to 365. The cloud's own scheduler takes them at 03:00 UTC; they outlive the stack and the volume, and nothing deletes those of a volume that is gone. About $0.05 a month for each GiB of changed data.
     * @default 0
     * @example 7
     */
    dailySnapshots?: number;
    /**
     * Keep a last snapshot of the data volume when it is deleted, as by `pulumi destroy`. Counts from the next `pulumi up` on; set from the start, since a change is one of the four modifications of a volume that AWS allows in 24 hours, as growing is. About $0.05 a month for each GiB of data, until you delete it.
     * @default false
     * @example true
     */
    finalSnapshot?: boolean;
    /**
     * Snapshot from which a new data volume is made: its id, or latest for the newest of this stack. A data volume that exists already stays as it is.
     * @example latest
     */
    restoreFrom?: string;
    /**
     * Take the machine away and keep addresses, names and data volume. Without it the same LinkMesh comes back.
     * @default false
     * @example true
     */
    paused?: boolean;
    /**
     * Refuse to destroy the stack, and to replace its addresses and its data volume, until it is false again and `pulumi up` has run.
     * @default false
     * @example true
     */
    protect?: boolean;
    /**
     * Tags for everything that is created, besides Name. Keys that differ in case alone are refused, as IAM does.
     * @example {"team":"platform"}
     */
    tags?: Record<string, string>;
    /**
     * URL of the LinkMesh server's Debian package. Either this with linkmeshDebSha256, or linkmeshAptSource. Set it with --secret if it holds a login or a signature.
     * @example https://packages.example.com/linkmesh-server_1.101.0_amd64.deb
     */
    linkmeshDebUrl?: pulumi.Input<string>;
    /**
     * SHA-256 checksum of that package, in hexadecimal. A package with another one is not installed.
     * @example 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
     */
    linkmeshDebSha256?: string;
    /**
     * APT source that holds the package linkmesh-server: URL, suite and components. Needs linkmeshAptKey and linkmeshVersion. Set it with --secret if the URL holds a login, which the machine keeps in apt's auth.conf.
     * @example https://apt.example.com/debian stable main
     */
    linkmeshAptSource?: pulumi.Input<string>;
    /**
     * The public key that signs the APT source, ASCII-armoured.
     * @example -----BEGIN PGP PUBLIC KEY BLOCK-----…
     */
    linkmeshAptKey?: string;
    /**
     * The package version to install from the APT source.
     * @example 1.101.0
     */
    linkmeshVersion?: string;
    /**
     * Entries for LinkMesh's environment file. Set each with: pulumi config set --secret --path linkmeshEnvironment.NAME VALUE
     * @example {"LINKMESH_SMTP_PASSWORD":"…"}
     */
    linkmeshEnvironment?: pulumi.Input<Record<string, pulumi.Input<string>>>;
    /**
     * Further keys for LinkMesh's config.yaml, merged into what the package ships. The keys that the proxy needs (externalUrl, http.trustedProxies, grpc.port, grpc.externalUrl) are set by the program.
     * @example {"metrics":{"enabled":true}}
     */
    linkmeshConfig?: Record<string, any>;
    /**
     * The environment file of the LinkMesh service, which holds the server secret. It is kept on the data volume.
     * @default "/etc/default/linkmesh-server"
     * @example /etc/linkmesh/environment
     */
    linkmeshEnvironmentFile?: string;
    /**
     * Directories that hold LinkMesh's state (database, internal CA, gitops store). They are kept on the data volume and outlive the machine.
     * @default ["/var/lib/linkmesh","/data/linkmesh"]
     * @example /opt/linkmesh
     */
    linkmeshDataPaths?: string[];
    /**
     * How many collectors and agents will be connected at once, from 1 to 200,000. nginx and the kernel are sized for it.
     * @default 10000
     * @example 50000
     */
    collectorsExpected?: number;
    /**
     * How many sessions one client address may hold on each port, up to 65,535; more are refused. By default (0) collectorsExpected and 1,000 more, since a whole fleet may sit behind one address, and any number where that exceeds 65,535. Where each collector has an address of its own, a few hundred keep one client from taking all.
     * @default 0
     * @example 500
     */
    sessionsPerAddress?: number;
}
