#!/bin/sh
# Makes the certificates of tests, valid for a hundred years: an authority, a server (localhost, 127.0.0.1) and a
# client. They protect nothing: their keys are public.
set -eu
cd "$(dirname "$0")"
key() { openssl ecparam -name prime256v1 -genkey -noout; }
signed() { # name, subject, extensions
  key >"$1.key"
  openssl req -new -key "$1.key" -subj "/CN=$2" |
    openssl x509 -req -CA ca.pem -CAkey ca.key -days 36500 -extfile /dev/fd/3 3<<END >"$1.crt"
$3
END
  cat "$1.crt" "$1.key" >"$1.pem"
  rm "$1.crt" "$1.key"
}
key >ca.key
openssl req -x509 -new -key ca.key -days 36500 -subj "/CN=Millrace tests" -out ca.pem
signed server localhost "subjectAltName=DNS:localhost,IP:127.0.0.1"
signed client "Millrace test client" "extendedKeyUsage=clientAuth"
rm ca.key
