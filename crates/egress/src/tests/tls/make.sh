#!/bin/sh
# Makes a private authority and certificates of it again. The keys are of no use elsewhere.
set -e
cd "$(dirname "$0")"
work=$(mktemp -d)
cat > "$work/conf" <<EOF
[ca]
default_ca = it
[it]
database = $work/index
new_certs_dir = $work
serial = $work/serial
default_md = sha256
policy = any
[any]
commonName = supplied
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
[server]
basicConstraints = CA:FALSE
subjectAltName = DNS:named.test, DNS:other.test
EOF
touch "$work/index"
echo 01 > "$work/serial"
for name in ca server; do
    openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt -out "$work/$name.key"
    openssl req -new -key "$work/$name.key" -subj "/CN=$name for tests" -out "$work/$name.csr"
done
sign() { openssl ca -batch -notext -config "$work/conf" -keyfile "$work/ca.key" "$@"; }
sign -selfsign -extensions authority -startdate 20200101000000Z -enddate 21200101000000Z \
    -in "$work/ca.csr" -out ca.pem
sign -cert ca.pem -extensions server -startdate 20200101000000Z -enddate 21200101000000Z \
    -in "$work/server.csr" -out server.pem
echo "unique_subject = no" > "$work/index.attr"
sign -cert ca.pem -extensions server -startdate 20200101000000Z -enddate 20210101000000Z \
    -in "$work/server.csr" -out expired.pem
cp "$work/server.key" server.key
rm -r "$work"
