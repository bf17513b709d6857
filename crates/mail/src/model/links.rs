//! Which links a text holds.

/// Finds every `http` and `https` link of a text, in order and each once.
pub fn links_in(text: &str) -> Vec<String> {
    let mut links: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let Some(start) = word.find("https://").or_else(|| word.find("http://")) else {
            continue;
        };
        let link = word[start..].trim_end_matches(['.', ',', ';', ')', '>', '"', '\'']);
        if !links.iter().any(|known| known == link) {
            links.push(link.to_owned());
        }
    }
    links
}
