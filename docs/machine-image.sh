#!/bin/sh
# Puts the packages that a machine needs into an image of your own: docs/machine-image.md. Runs as root on a machine that
# is thrown away afterwards, as its user data.
# MORE_PACKAGES: what your LinkMesh package depends on, if anything.
set -eu
export DEBIAN_FRONTEND=noninteractive

PACKAGES='nginx libnginx-mod-stream bind9-dnsutils openssl curl logrotate python3-ruamel.yaml certbot
    python3-certbot-dns-route53'

apt-get -qq update
apt-get -qq -y upgrade
# shellcheck disable=SC2086
apt-get -qq -y install --no-install-recommends $PACKAGES ${MORE_PACKAGES-}
# New machines read lists of their own day.
apt-get clean
rm -rf /var/lib/apt/lists/*
# Otherwise each new machine would serve nginx's welcome page until the steps run.
systemctl disable nginx
# What must differ between machines.
cloud-init clean --logs --machine-id
rm -f /etc/ssh/ssh_host_*
