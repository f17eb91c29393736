"""A certificate authority for tests, trusted by a client that is told to."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

SIGNS_CERTIFICATES = x509.KeyUsage(
    key_cert_sign=True,
    crl_sign=True,
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    encipher_only=False,
    decipher_only=False,
)


class Authority:
    """Issues certificates for addresses; `trust` is a TLS context, `file` a PEM file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name(
            [x509.NameAttribute(NameOID.COMMON_NAME, "test authority")]
        )
        self._now = datetime.datetime.now(datetime.UTC)
        root = self._certificate(self._name, self._key.public_key(), days=365, names=[])
        self.file = folder / "authority.pem"
        self.file.write_bytes(root.public_bytes(serialization.Encoding.PEM))
        self.trust = ssl.create_default_context(cafile=self.file)

    def issue(self, days: int, address: str = "127.0.0.1") -> dict[str, str]:
        """Return the files of a certificate, named as uvicorn's options; valid for so many days."""
        own = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kb")])
        names = [x509.IPAddress(ipaddress.ip_address(address))]
        issued = self._certificate(subject, own.public_key(), days=days, names=names)
        files = {
            "ssl_certfile": self._folder / f"{days}.pem",
            "ssl_keyfile": self._folder / f"{days}.key",
        }
        files["ssl_certfile"].write_bytes(
            issued.public_bytes(serialization.Encoding.PEM)
        )
        private = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        files["ssl_keyfile"].write_bytes(
            own.private_bytes(serialization.Encoding.PEM, *private)
        )
        return {name: str(path) for name, path in files.items()}

    def _certificate(
        self, subject: x509.Name, public: Any, *, days: int, names: list[Any]
    ) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._now - datetime.timedelta(days=365))
            .not_valid_after(self._now + datetime.timedelta(days=days))
            .add_extension(
                x509.BasicConstraints(ca=not names, path_length=None), critical=True
            )
            # Python 3.13 and later take no certificate without key identifiers, and no
            # authority's without its key's usage.
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(public), critical=False
            )
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(
                    self._key.public_key()
                ),
                critical=False,
            )
        )
        if names:
            builder = builder.add_extension(
                x509.SubjectAlternativeName(names), critical=False
            )
        else:
            builder = builder.add_extension(SIGNS_CERTIFICATES, critical=True)
        return builder.sign(self._key, hashes.SHA256())
