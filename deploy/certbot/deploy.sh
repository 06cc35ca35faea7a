#!/bin/sh
# certbot's deploy hook: puts a certificate and its key where Postigo may read them, as one pair.
#
#   certbot certonly ... --deploy-hook /usr/lib/postigo/certbot-deploy
#
# certbot's own files are for root only. This copies them to /etc/postigo/tls/NAME/fullchain.pem and privkey.pem, readable
# for the group postigo and nobody else. NAME is a link that is swapped when both files are there; Postigo looks at it
# every few seconds and takes the pair up by itself. A pair that does not fit changes nothing.
#
# Environment: RENEWED_LINEAGE (certbot sets it: /etc/letsencrypt/live/NAME), POSTIGO_TLS (default /etc/postigo/tls),
# POSTIGO_GROUP (default postigo).
set -eu

die() { echo "postigo certbot-deploy: $*" >&2; exit 1; }

lineage=${RENEWED_LINEAGE:-}
[ -n "$lineage" ] || die 'RENEWED_LINEAGE is not set: certbot runs this, or RENEWED_LINEAGE=/etc/letsencrypt/live/NAME'
store=${POSTIGO_TLS:-/etc/postigo/tls}
group=${POSTIGO_GROUP:-postigo}
name=$(basename "$lineage")

for file in fullchain.pem privkey.pem; do
  [ -r "$lineage/$file" ] || die "cannot read $lineage/$file"
done
public_of_key=$(openssl pkey -in "$lineage/privkey.pem" -pubout) || die "$lineage/privkey.pem is no private key"
public=$(openssl x509 -in "$lineage/fullchain.pem" -noout -pubkey) || die "$lineage/fullchain.pem is no certificate"
[ "$public" = "$public_of_key" ] || die "$lineage: key and certificate do not belong together"

umask 077
[ -d "$store" ] || install -d -m 750 -g "$group" "$store"
[ ! -e "$store/$name" ] || [ -L "$store/$name" ] || die "$store/$name is in the way: it is no link of ours"
before=$(readlink "$store/$name" || true)
now=$(mktemp -d "$store/.$name.XXXXXX")
chgrp "$group" "$now"
chmod 750 "$now"
for file in fullchain.pem privkey.pem; do
  install -m 640 -g "$group" "$lineage/$file" "$now/$file"
done
ln -s "$(basename "$now")" "$now.link"
mv -T "$now.link" "$store/$name"
[ -z "$before" ] || rm -rf "${store:?}/$before"
