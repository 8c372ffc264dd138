"""Addresses of accounts for programs."""

from django.urls import URLPattern, path

from accounts.api import account, api_keys, audit, invitations, members, policies, views

urlpatterns: list[URLPattern] = [
    path("auth/signup", views.SignUpView.as_view(), name="api-sign-up"),
    path("auth/login", views.LogInView.as_view(), name="api-log-in"),
    path("auth/logout", views.LogOutView.as_view(), name="api-log-out"),
    path("auth/account", account.AccountView.as_view(), name="api-account"),
    path("auth/account/export", account.AccountExportView.as_view(), name="api-account-export"),
    path("governance/api-keys", api_keys.ApiKeysView.as_view(), name="api-api-keys"),
    path("governance/api-keys/<uuid:key_id>", api_keys.ApiKeyView.as_view(), name="api-api-key"),
    path("governance/api-keys/<uuid:key_id>/roll", api_keys.RollView.as_view(), name="api-api-key-roll"),
    path("governance/members", members.MembersView.as_view(), name="api-members"),
    path("governance/members/<uuid:member_id>", members.MemberView.as_view(), name="api-member"),
    path("governance/ownership", members.OwnershipView.as_view(), name="api-ownership"),
    path("governance/invitations", invitations.InvitationsView.as_view(), name="api-invitations"),
    path("governance/invitations/<uuid:invitation_id>", invitations.InvitationView.as_view(), name="api-invitation"),
    path(
        "governance/invitations/<uuid:invitation_id>/resend",
        invitations.ResendView.as_view(),
        name="api-invitation-resend",
    ),
    path("governance/policies", policies.PoliciesView.as_view(), name="api-policies"),
    path("governance/audit", audit.AuditView.as_view(), name="api-audit"),
    path("governance/audit/export", audit.AuditExportView.as_view(), name="api-audit-export"),
]
