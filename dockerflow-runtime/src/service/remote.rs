//! The client's address: the peer of the connection, or the address that trusted proxies report.

use std::net::IpAddr;

use actix_web::{dev::RequestHead, http::header::HeaderName};

static FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// An address, or a network of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Network {
    address: IpAddr,
    /// How many of its leading bits count.
    bits: u32,
}

impl Network {
    /// Reads `10.0.0.0/8`, `::1`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse().ok()?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(most);
        (bits <= most).then_some(Self { address, bits })
    }

    fn holds(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let differing = (own.to_bits() ^ other.to_bits()).leading_zeros();
                differing >= self.bits
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let differing = (own.to_bits() ^ other.to_bits()).leading_zeros();
                differing >= self.bits
            }
            _ => false,
        }
    }
}

/// Returns the address of the client: the connection's peer, or, as long as that is a proxy of `proxies`, whom it names last in
/// `X-Forwarded-For`. Entries further left may be forged.
pub(super) fn remote(head: &RequestHead, proxies: &[Network]) -> Option<IpAddr> {
    let mut client = head.peer_addr?.ip().to_canonical();
    let is_proxy = |address| proxies.iter().any(|network| network.holds(address));
    if !is_proxy(client) {
        return Some(client);
    }
    let values: Vec<_> = head.headers.get_all(&FORWARDED_FOR).collect();
    let named = values
        .iter()
        .rev()
        .flat_map(|value| value.as_bytes().rsplit(|byte| *byte == b','));
    for text in named {
        let Some(address) = str::from_utf8(text)
            .ok()
            .and_then(|text| text.trim().parse::<IpAddr>().ok())
        else {
            break;
        };
        client = address.to_canonical();
        if !is_proxy(client) {
            break;
        }
    }
    Some(client)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn only_a_known_proxy_is_believed_and_only_what_it_has_seen_itself() {
        let proxies: Vec<_> = ["10.0.0.0/8", "::1", "192.168.7.7"]
            .into_iter()
            .map(|text| Network::parse(text).expect(text))
            .collect();
        for (peer, forwarded, expected) in [
            ("1.2.3.4:5", vec!["9.9.9.9"], "1.2.3.4"),
            ("10.1.1.1:5", vec![], "10.1.1.1"),
            ("10.1.1.1:5", vec!["9.9.9.9"], "9.9.9.9"),
            ("10.1.1.1:5", vec!["6.6.6.6, 9.9.9.9"], "9.9.9.9"),
            (
                "10.1.1.1:5",
                vec!["6.6.6.6", "9.9.9.9 , 10.2.2.2"],
                "9.9.9.9",
            ),
            ("10.1.1.1:5", vec!["forged, 10.2.2.2"], "10.2.2.2"),
            ("[::1]:5", vec!["2001:db8::7"], "2001:db8::7"),
            ("[::ffff:10.1.1.1]:5", vec!["9.9.9.9"], "9.9.9.9"),
            ("192.168.7.8:5", vec!["9.9.9.9"], "192.168.7.8"),
        ] {
            let mut request = TestRequest::default().peer_addr(peer.parse().expect(peer));
            for value in forwarded {
                request = request.append_header(("x-forwarded-for", value));
            }
            let request = request.to_http_request();
            let client = remote(request.head(), &proxies).map(|client| client.to_string());
            assert_eq!(client.as_deref(), Some(expected), "{peer}");
        }
    }

    #[test]
    fn a_network_is_an_address_with_or_without_a_number_of_bits() {
        for text in [
            "10.0.0.0/33",
            "10.0.0/8",
            "x",
            "",
            "::1/129",
            "10.0.0.0/-1",
            "10.0.0.0/",
        ] {
            assert_eq!(Network::parse(text), None, "{text}");
        }
        let all = Network::parse("0.0.0.0/0").expect("every address");
        assert!(all.holds("8.8.8.8".parse().expect("an address")));
        assert!(!all.holds("2001:db8::1".parse().expect("an address")));
    }
}
