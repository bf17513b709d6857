use super::*;

#[test]
fn text_cannot_become_markup() {
    let html = Html::new().raw("<p title=\"").text("\"><script>alert('1')&").raw("\">").hidden("a\"", "<");
    assert_eq!(
        html.as_str(),
        "<p title=\"&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&amp;\"><input type=\"hidden\" name=\"a&quot;\" value=\"&lt;\">"
    );
}

#[test]
fn the_policy_names_the_very_style_and_the_forms_targets() {
    let page = Page::new("T", Html::new())
        .style("p{}")
        .form_may_reach(&"https://app.example.com/x?y".parse().unwrap())
        .form_may_reach(&"myapp://done".parse().unwrap());
    let style = page.markup().split("<style>").nth(1).unwrap().split("</style>").next().unwrap().to_owned();
    let hash = STANDARD.encode(sha256(style.as_bytes()));
    let policy = page.policy();
    assert!(policy.contains(&format!("style-src 'sha256-{hash}';")), "{policy}");
    assert!(policy.contains("form-action 'self' https://app.example.com myapp:;"), "{policy}");
    assert!(policy.starts_with("default-src 'none';"));
}
